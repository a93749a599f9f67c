"""The renderer against transformers' own, and the rule that what trains is what serves."""

from __future__ import annotations

import functools
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from tests.data.bases import TEMPLATES, byte_level_tokenizer, write_base
from tunesmith.data.chat_template import Rendered, Renderer
from tunesmith.data.examples import ChatExample, CompletionExample, PreferenceExample
from tunesmith.errors import BaseUnavailable, InvalidRequest, InvalidTrainingFile
from tunesmith.settings import NANO

ALL = [name + kind for name in TEMPLATES for kind in ("", "-sp")]
CONTENT = st.text(
    alphabet=st.one_of(
        st.sampled_from(" \n\t.aZ0Paris東é🎉<>{}\"'"), st.characters(exclude_categories=["Cs", "Cn"])
    ),
    min_size=1,
    max_size=12,
)
TALKS = st.lists(st.tuples(CONTENT, CONTENT, st.sampled_from([0, 1])), min_size=1, max_size=3)
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Weather <now> & 'here'",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
TOOL_CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "Be useful."},
    {"role": "user", "content": "Weather in Paris?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "call00001",
                "type": "function",
                "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'},
            }
        ],
    },
    {"role": "tool", "tool_call_id": "call00001", "content": "Rain"},
    {"role": "assistant", "content": "It rains."},
    {"role": "user", "content": "And in Rome?"},
    {"role": "assistant", "content": "I do not know."},
]


@functools.cache
def oracle(folder: Path) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(folder)


def theirs(folder: Path, messages: list[dict[str, Any]], **options: Any) -> list[int]:
    return oracle(folder).apply_chat_template(messages, return_dict=False, **options)


def chat(talk: list[tuple[str, str, int]]) -> list[dict[str, Any]]:
    turns = [
        [{"role": "user", "content": u}, {"role": "assistant", "content": a, "weight": w}] for u, a, w in talk
    ]
    turns[-1][1]["weight"] = 1
    return [message for turn in turns for message in turn]


def learnt_text(renderer: Renderer, rendered: Rendered) -> str:
    ids = [id for id, weight in zip(rendered.input_ids, rendered.weights, strict=True) if weight]
    return b"".join(map(renderer.tokenizer.token_bytes, ids)).decode(errors="replace")


def same(text: str, expected: str, kind: str) -> bool:
    """Equal, but for the space that SentencePiece puts before each piece between special tokens."""
    return text == expected if not kind else text.replace(" ", "") == expected.replace(" ", "")


# -- the same tokens as transformers


@pytest.mark.parametrize("family", ["nano", *ALL])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(talk=TALKS)
def test_prompts_have_the_ids_of_apply_chat_template(
    families: dict[str, Path], family: str, talk: Any
) -> None:
    folder = families.get(family, NANO)
    asked = chat(talk)[:-1]
    plain = [{key: value for key, value in message.items() if key != "weight"} for message in asked]
    assert Renderer.load(folder).prompt(asked) == theirs(folder, plain, add_generation_prompt=True)


@pytest.mark.parametrize("family", ["nano", *(name for name in ALL if "reasoner" not in name)])
def test_examples_have_the_ids_of_apply_chat_template(families: dict[str, Path], family: str) -> None:
    folder = families.get(family, NANO)
    messages = [
        {"role": "user", "content": "What is the capital of France?"},
        {"role": "assistant", "content": "Paris 🎉"},
        {"role": "user", "content": "Oh?\n"},
        {"role": "assistant", "content": "As if everyone\n\ndoes not know that."},
    ]
    rendered = Renderer.load(folder).example(ChatExample(1, tuple(messages)))
    assert rendered.input_ids == theirs(folder, messages)


@pytest.mark.parametrize("family", ["nano", "chatml", "llama3", "mistral", "mistral-sp"])
def test_tools_have_the_ids_of_apply_chat_template(families: dict[str, Path], family: str) -> None:
    folder = families.get(family, NANO)
    messages = [dict(message) for message in TOOL_CHAT]
    if family != "nano":  # nano's template prints arguments as they are; these print an object
        call = messages[2]["tool_calls"][0]
        messages[2]["tool_calls"] = [
            {**call, "function": {**call["function"], "arguments": {"city": "Paris"}}}
        ]
    if family == "llama3":
        messages[2]["content"] = ""
    ours = Renderer.load(folder)
    assert ours.prompt(TOOL_CHAT[:-1], [TOOL]) == theirs(
        folder, messages[:-1], tools=[TOOL], add_generation_prompt=True
    )
    assert ours.example(ChatExample(1, tuple(TOOL_CHAT), (TOOL,))).input_ids == theirs(
        folder, messages, tools=[TOOL]
    )


def test_nanos_weights_are_transformers_assistant_mask() -> None:
    example = ChatExample(1, tuple(TOOL_CHAT), (TOOL,))
    mask = oracle(NANO).apply_chat_template(
        TOOL_CHAT, tools=[TOOL], return_dict=True, return_assistant_tokens_mask=True
    )["assistant_masks"]
    assert Renderer.load(NANO).example(example).weights == mask


# -- what trains is what serves


@pytest.mark.parametrize("family", ["nano", *ALL])
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(talk=TALKS)
def test_the_prompt_that_is_served_is_a_prefix_of_what_is_learnt(
    families: dict[str, Path], family: str, talk: Any
) -> None:
    renderer = Renderer.load(families.get(family, NANO))
    messages = chat(talk)
    rendered = renderer.example(ChatExample(1, tuple(messages)))
    prompt = renderer.prompt(messages[:-1])
    assert rendered.input_ids[: len(prompt)] == prompt
    assert len(rendered.weights) == len(rendered.input_ids)
    after = [weight for weight in rendered.weights[len(prompt) :]]
    n_learnt = sum(map(bool, after))
    assert n_learnt and after[:n_learnt] == [1.0] * n_learnt  # all of the reply, and nothing behind its end


@pytest.mark.parametrize("family", ["nano", "chatml", "llama3", "mistral", "mistral-sp"])
def test_the_prompt_is_a_prefix_with_tools_too(families: dict[str, Path], family: str) -> None:
    renderer = Renderer.load(families.get(family, NANO))
    rendered = renderer.example(ChatExample(1, tuple(TOOL_CHAT), (TOOL,)))
    prompt = renderer.prompt(TOOL_CHAT[:-1], [TOOL])
    assert rendered.input_ids[: len(prompt)] == prompt


def test_where_a_tokenizer_would_merge_prompt_and_reply_the_text_is_encoded_in_two_pieces(
    tmp_path: Path,
) -> None:
    # GPT-2's pre-tokenizer reads two line breaks alone as one piece, and as two before a word
    folder = write_base(
        tmp_path / "gpt2", TEMPLATES["llama3"][0], "<|eot_id|>", byte_level_tokenizer(gpt2=True)
    )
    renderer = Renderer.load(folder)
    messages = [{"role": "user", "content": "Capital?"}, {"role": "assistant", "content": "As if."}]
    rendered, prompt = renderer.example(ChatExample(1, tuple(messages))), renderer.prompt(messages[:1])
    assert theirs(folder, messages)[: len(prompt)] != prompt
    assert rendered.input_ids[: len(prompt)] == prompt
    assert renderer.tokenizer.decode(rendered.input_ids) == renderer.tokenizer.decode(
        theirs(folder, messages)
    )


# -- what is learnt

REPLIES = {
    "chatml": "Paris.<|im_end|>As if.<|im_end|>",
    "qwen3": "Paris.<|im_end|><think>\n\n</think>\n\nAs if.<|im_end|>",
    "llama3": "Paris.<|eot_id|>As if.<|eot_id|>",
    "gemma": "Paris.<end_of_turn>As if.<end_of_turn>",
    "mistral": " Paris.</s> As if.</s>",
    "reasoner": "Paris.<|eot|>As if.<|eot|>",
    "plain": "Paris.\n\nAs if.\n\n",
    "tagged": "Paris.<|im_end|>As if.<|im_end|>",
}
TALK = [("Capital?", "Paris.", 1), ("Oh?", "As if.", 1)]


@pytest.mark.parametrize("kind", ["", "-sp"])
@pytest.mark.parametrize("family", REPLIES)
def test_each_reply_is_learnt_with_its_end_and_without_its_header(
    families: dict[str, Path], family: str, kind: str
) -> None:
    renderer = Renderer.load(families[family + kind])
    rendered = renderer.example(ChatExample(1, tuple(chat(TALK))))
    assert same(learnt_text(renderer, rendered), REPLIES[family], kind)


@pytest.mark.parametrize("kind", ["", "-sp"])
@pytest.mark.parametrize("family", REPLIES)
def test_a_reply_of_weight_0_is_read_but_not_learnt(
    families: dict[str, Path], family: str, kind: str
) -> None:
    renderer = Renderer.load(families[family + kind])
    (question, reply, _), second = TALK
    rendered = renderer.example(ChatExample(1, tuple(chat([(question, reply, 0), second]))))
    assert rendered.input_ids == renderer.example(ChatExample(1, tuple(chat(TALK)))).input_ids
    assert same(learnt_text(renderer, rendered), REPLIES[family].removeprefix(learnt_first(family)), kind)


def learnt_first(family: str) -> str:
    """What of `REPLIES` belongs to the first reply."""
    text = REPLIES[family]
    return (
        text[: text.index("\n\n") + 2]
        if family == "plain"
        else text[: text.index(">", text.index("Paris")) + 1]
    )


def test_only_the_first_reply_is_learnt_when_the_second_has_weight_0(families: dict[str, Path]) -> None:
    messages = chat(TALK)
    messages[-1]["weight"] = 0
    for family in ("chatml", "llama3", "gemma", "mistral", "plain", "tagged"):
        renderer = Renderer.load(families[family])
        assert (
            learnt_text(renderer, renderer.example(ChatExample(1, tuple(messages))))
            .strip()
            .startswith("Paris.")
        )


@pytest.mark.parametrize("family", ["nano", "chatml", "llama3", "mistral", "mistral-sp"])
def test_tool_calls_are_learnt(families: dict[str, Path], family: str) -> None:
    renderer = Renderer.load(families.get(family, NANO))
    text = learnt_text(renderer, renderer.example(ChatExample(1, tuple(TOOL_CHAT), (TOOL,))))
    assert "get_weather" in text and '"city": "Paris"' in text
    assert "It rains." in text and "I do not know." in text
    assert "Rain\n" not in text and "Weather in" not in text and "Rome" not in text


def test_reasoning_in_a_tool_loop_is_found_though_the_template_drops_it_later(
    families: dict[str, Path],
) -> None:
    renderer = Renderer.load(families["qwen3"])
    messages = [
        {"role": "user", "content": "Capital?"},
        {"role": "assistant", "content": "<think>\nI look it up.\n</think>\n\nOne moment."},
        {"role": "tool", "content": "Paris"},
        {"role": "assistant", "content": "Paris."},
        {"role": "user", "content": "Oh?"},
        {"role": "assistant", "content": "As if."},
    ]
    text = learnt_text(renderer, renderer.example(ChatExample(1, tuple(messages))))
    assert text == "One moment.<|im_end|>Paris.<|im_end|><think>\n\n</think>\n\nAs if.<|im_end|>"


def test_a_conversation_may_begin_with_the_assistant(families: dict[str, Path]) -> None:
    renderer = Renderer.load(families["chatml"])
    messages = [{"role": "assistant", "content": "Hello!"}, *chat(TALK)]
    text = learnt_text(renderer, renderer.example(ChatExample(1, tuple(messages))))
    assert text == "Hello!<|im_end|>Paris.<|im_end|>As if.<|im_end|>"


# -- messages as OpenAI writes them


def test_a_developer_message_is_a_system_message_where_the_template_does_not_know_it(
    families: dict[str, Path],
) -> None:
    renderer = Renderer.load(families["chatml"])
    said = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    assert renderer.prompt(said) == renderer.prompt([{**said[0], "role": "system"}, said[1]])


def test_a_developer_message_stays_one_where_the_template_knows_it(tmp_path: Path) -> None:
    shown = "{% if m.role == 'developer' %}[DEV]{% endif %}{{ m.role + ':' + m.content }}"
    template = "{% for m in messages %}" + shown + "{% endfor %}"
    renderer = Renderer.load(write_base(tmp_path / "dev", template))
    assert renderer.prompt_text([{"role": "developer", "content": "x"}]) == "[DEV]developer:x"


def test_text_parts_are_joined_and_null_content_is_empty(families: dict[str, Path]) -> None:
    renderer = Renderer.load(families["chatml"])
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert renderer.prompt([{"role": "user", "content": parts}]) == renderer.prompt(
        [{"role": "user", "content": "ab"}]
    )
    assert "None" not in renderer.prompt_text(TOOL_CHAT[:-1])


def test_an_image_part_is_refused_by_name(families: dict[str, Path]) -> None:
    image = [{"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    with pytest.raises(InvalidRequest, match=r"messages\[0\]\.content\[0\]"):
        Renderer.load(families["chatml"]).prompt([{"role": "user", "content": image}])


def test_legacy_function_calls_render_as_tool_calls(families: dict[str, Path]) -> None:
    renderer = Renderer.load(families["chatml"])
    call = {"name": "get_weather", "arguments": '{"city": "Paris"}'}
    old = [
        TOOL_CHAT[1],
        {"role": "assistant", "function_call": call},
        {"role": "function", "name": "f", "content": "Rain"},
    ]
    new = [TOOL_CHAT[1], TOOL_CHAT[2], TOOL_CHAT[3]]
    assert renderer.prompt(old) == renderer.prompt(new)


def test_arguments_that_are_no_json_are_refused_where_the_template_needs_an_object(
    families: dict[str, Path],
) -> None:
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{broken"}}
    with pytest.raises(InvalidRequest, match=r"messages\[1\]\.tool_calls\[0\]\.function\.arguments"):
        Renderer.load(families["chatml"]).prompt([TOOL_CHAT[1], {"role": "assistant", "tool_calls": [call]}])


def test_the_messages_given_are_left_as_they_are(families: dict[str, Path]) -> None:
    messages = [
        {"role": "developer", "content": [{"type": "text", "text": "x"}]},
        {"role": "user", "content": None},
    ]
    before = repr(messages)
    Renderer.load(families["chatml"]).prompt(messages)
    assert repr(messages) == before


# -- other rows, other bases


def test_prompt_completion_rows_become_user_and_assistant_on_a_chat_base() -> None:
    renderer = Renderer.load(NANO)
    row = CompletionExample(1, "Capital of France?", "Paris")
    same = ({"role": "user", "content": "Capital of France?"}, {"role": "assistant", "content": "Paris"})
    assert renderer.example(row) == renderer.example(ChatExample(1, same))


def test_prompt_completion_rows_stay_text_on_a_raw_base(raw_base: Path) -> None:
    renderer = Renderer.load(raw_base)
    rendered = renderer.example(CompletionExample(1, "What is the", " capital"))
    tokenizer = renderer.tokenizer
    bos, eos = tokenizer.token_id("<s>"), tokenizer.token_id("</s>")
    assert rendered.input_ids == [bos, *tokenizer.encode("What is the"), *tokenizer.encode(" capital"), eos]
    assert learnt_text(renderer, rendered) == " capital</s>"
    prompt = renderer.raw_prompt("What is the")
    assert rendered.input_ids[: len(prompt)] == prompt


def test_a_chat_row_on_a_raw_base_is_refused_with_a_way_out(raw_base: Path) -> None:
    with pytest.raises(InvalidRequest, match="no chat template.*prompt/completion"):
        Renderer.load(raw_base).prompt([{"role": "user", "content": "Hi"}])


def test_a_preference_row_gives_two_replies_after_one_prompt() -> None:
    renderer = Renderer.load(NANO)
    history = tuple(chat(TALK))
    question = {"role": "user", "content": "Why?"}
    row = PreferenceExample(
        1,
        (*history, question),
        {"role": "assistant", "content": "Because."},
        {"role": "assistant", "content": "No."},
    )
    chosen, rejected = renderer.pair(row)
    prompt = renderer.prompt([*history, question])
    assert chosen.input_ids[: len(prompt)] == rejected.input_ids[: len(prompt)] == prompt
    assert (
        learnt_text(renderer, chosen) == "Because.<|im_end|>"
        and learnt_text(renderer, rejected) == "No.<|im_end|>"
    )


def test_rows_are_cut_at_the_end() -> None:
    rendered = Renderer.load(NANO).example(ChatExample(1, tuple(chat(TALK))))
    cut = rendered.cut(7)
    assert cut.input_ids == rendered.input_ids[:7] and len(cut.weights) == 7
    assert rendered.cut(10_000) is rendered


# -- templates


def test_a_template_that_refuses_speaks_for_itself(families: dict[str, Path]) -> None:
    with pytest.raises(InvalidRequest, match="System role not supported"):
        Renderer.load(families["gemma"]).prompt(
            [{"role": "system", "content": "x"}, {"role": "user", "content": "y"}]
        )


@pytest.mark.parametrize(
    "template",
    ["{{ messages[9].content.x }}", "{{ 1 / 0 }}", "{{ ''.__class__.__mro__ }}", "{{ messages.append(1) }}"],
)
def test_whatever_a_template_raises_is_an_invalid_request(tmp_path: Path, template: str) -> None:
    with pytest.raises(InvalidRequest):
        Renderer.load(write_base(tmp_path / "odd", template)).prompt([{"role": "user", "content": "x"}])


def test_a_template_that_is_no_jinja_names_its_line(tmp_path: Path) -> None:
    with pytest.raises(BaseUnavailable, match="line 2"):
        Renderer.load(write_base(tmp_path / "broken", "{{ bos_token }}\n{% if %}"))


def test_the_tool_template_is_used_with_tools(tmp_path: Path) -> None:
    named = [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "with tools"}]
    folder = write_base(tmp_path / "named", named)  # type: ignore[arg-type]
    renderer = Renderer.load(folder)
    said = [{"role": "user", "content": "x"}]
    assert [renderer.prompt_text(said, tools) for tools in (None, [], [TOOL])] == [
        "plain",
        "plain",
        "with tools",
    ]


def test_a_template_file_wins_over_the_configuration(tmp_path: Path) -> None:
    folder = write_base(tmp_path / "file", "from the configuration")
    (folder / "chat_template.jinja").write_text("from the file")
    assert Renderer.load(folder).prompt_text([{"role": "user", "content": "x"}]) == "from the file"


def test_a_template_without_tool_calls_cannot_teach_them(families: dict[str, Path]) -> None:
    with pytest.raises(InvalidTrainingFile, match="Line 1: .*leaves out tool calls"):
        Renderer.load(families["qwen3"]).example(ChatExample(1, tuple(TOOL_CHAT), (TOOL,)))


def test_a_name_that_looks_like_the_marks_changes_nothing() -> None:
    said = [{"role": "user", "content": "x"}, {"role": "assistant", "content": "\ufdd0a\ufdd1b"}]
    assert Renderer.load(NANO).example(ChatExample(1, tuple(said))).input_ids == theirs(NANO, said)


def test_unicode_normalisation_does_not_move_the_weights() -> None:
    renderer = Renderer.load(NANO)
    rendered = renderer.example(ChatExample(1, tuple(chat([("Cafe\u0301?" * 5, "Ja, e\u0301!", 1)]))))
    assert learnt_text(renderer, rendered) == "Ja, é!<|im_end|>"


ROLES = st.lists(
    st.sampled_from(["user", "assistant", "assistant0", "tool", "system", "call"]), min_size=1, max_size=7
)


@pytest.fixture(scope="module")
def untagged_nano(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nano's tokenizer and template, without the tags that say where the assistant speaks."""
    folder = tmp_path_factory.mktemp("untagged") / "untagged"
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json", "config.json"):
        shutil.copy(NANO / name, folder)
    template = (NANO / "chat_template.jinja").read_text()
    (folder / "chat_template.jinja").write_text(re.sub(r"\{%-? *(end)?generation *-?%\}", "", template))
    return folder


@settings(max_examples=60, deadline=None)
@given(roles=ROLES, said=st.lists(CONTENT, min_size=7, max_size=7))
def test_without_tags_the_same_text_is_learnt(untagged_nano: Path, roles: list[str], said: list[str]) -> None:
    messages: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
    for role, content in zip(roles, said, strict=False):
        if role == "call":
            messages.append(TOOL_CHAT[2])
        else:
            weight = {"weight": 0} if role == "assistant0" else {}
            call_id = {"tool_call_id": "call00001"} if role == "tool" else {}
            messages.append({"role": role.removesuffix("0"), "content": content, **weight, **call_id})
    messages.append({"role": "assistant", "content": "End."})
    example = ChatExample(1, tuple(messages), (TOOL,))
    assert "{%- generation" not in (untagged_nano / "chat_template.jinja").read_text()
    assert Renderer.load(NANO).example(example) == Renderer.load(untagged_nano).example(example)
