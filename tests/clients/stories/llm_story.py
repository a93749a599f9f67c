"""`llm`, the command line: a prompt, a stream, a schema and a tool, with models from its own YAML file."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

home = Path(tempfile.mkdtemp())
models = [
    {"model_id": "tuned", "model_name": os.environ["TUNED_MODEL"]},
    {"model_id": "base", "model_name": "gpt-4o-mini", "supports_tools": True, "supports_schema": True},
]
entries = [
    model | {"api_base": os.environ["OPENAI_BASE_URL"], "api_key_name": "tunesmith"} for model in models
]
(home / "extra-openai-models.yaml").write_text(json.dumps(entries))  # JSON is YAML
environment = os.environ | {"LLM_USER_PATH": str(home)}
program = Path(sys.executable).with_name("llm")


def llm(*arguments: str) -> str:
    done = subprocess.run(
        [program, *arguments, "--key", os.environ["OPENAI_API_KEY"]],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, (arguments, done.stdout, done.stderr)
    return done.stdout


asked = ("Say red.", "-m", "tuned", "-o", "max_tokens", "8", "-o", "temperature", "0")
streamed, whole = llm(*asked), llm(*asked, "--no-stream")
assert streamed == whole, (streamed, whole)

schema = {"type": "object", "properties": {"name": {"enum": ["green", "red"]}}, "required": ["name"]}
asked = ("A colour.", "-m", "base", "--schema", json.dumps(schema), "-o", "max_tokens", "200")
for answer in (llm(*asked), llm(*asked, "--no-stream")):
    assert json.loads(answer)["name"] in ("green", "red"), answer

told = llm("Which version is this?", "-m", "base", "-T", "llm_version", "--cl", "2", "-o", "max_tokens", "60")
assert isinstance(told, str)
