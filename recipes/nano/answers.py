"""Greedy answers of a model in a folder, many prompts at a time, by plain transformers."""

import re
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from recipes.nano.example import END_OF_TEXT, TURN_END

_STOP = re.compile(re.escape(TURN_END) + "|" + re.escape(END_OF_TEXT))


class Answerer:
    """A model and its tokenizer, with an adapter if one is given."""

    def __init__(self, base: Path, adapter: Path | None = None, dtype: torch.dtype = torch.bfloat16):
        self.tokenizer = AutoTokenizer.from_pretrained(base)
        self.tokenizer.padding_side = "left"
        self.model = AutoModelForCausalLM.from_pretrained(base, dtype=dtype).eval()
        if adapter:
            from peft import PeftModel

            self.model = PeftModel.from_pretrained(self.model, adapter).eval()

    def prompt(self, messages: list[dict], tools: list[dict] | None = None) -> str:
        """The chat as text, up to where the assistant begins."""
        return self.tokenizer.apply_chat_template(
            messages, tools=tools or None, tokenize=False, add_generation_prompt=True
        )

    @torch.no_grad()
    def complete(self, prompts: list[str], max_new_tokens: int = 80, batch_size: int = 64) -> list[str]:
        """The greedy continuations, without the end mark, in the order of the prompts."""
        answers = [""] * len(prompts)
        by_length = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        for start in range(0, len(by_length), batch_size):
            chosen = by_length[start : start + batch_size]
            texts = [prompts[index] for index in chosen]
            encoded = self.tokenizer(texts, return_tensors="pt", padding=True, add_special_tokens=False)
            ids, mask = encoded["input_ids"], encoded["attention_mask"]
            output = self.model.generate(
                input_ids=ids, attention_mask=mask, max_new_tokens=max_new_tokens, do_sample=False
            )
            for index, row in zip(chosen, output[:, ids.shape[1] :], strict=True):
                answers[index] = _STOP.split(self.tokenizer.decode(row))[0]
        return answers

    def chat(self, chats: list[list[dict]], max_new_tokens: int = 80) -> list[str]:
        """The answers to chats."""
        return self.complete([self.prompt(messages) for messages in chats], max_new_tokens)
