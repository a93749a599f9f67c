"""What a model is: loading a base, exact packed attention, LoRA layers, and PEFT's adapter files.

It leaves training to `train/` and answering to `infer/`; it knows tensors and files, and nothing of
jobs or HTTP.
"""
