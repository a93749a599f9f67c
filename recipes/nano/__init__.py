"""The recipe of the embedded base model: text that it writes itself, a tokenizer, a training run, checks."""
