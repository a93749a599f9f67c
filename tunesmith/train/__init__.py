"""A model gets better at a file: LoRA fine-tuning as a generator of events.

`trainer.train(config)` is the door. Jobs, rows and HTTP are other rooms' business.
"""
