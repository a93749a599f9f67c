"""The texts of a call's format as regular expressions that forgive white space, and that know whether a text
which is no match yet may still become one."""

from __future__ import annotations

import functools
import re

from tunesmith.api.chat.tool_format import CALL_ID, CallFormat


class Pattern:
    """A format's text with free white space, perhaps a name in it; knows whether a text may still become
    it."""

    def __init__(self, before: str, middle: str | None) -> None:
        atoms = _atoms(before)
        if middle is not None:
            atoms += [(r"(?P<name>[\w.-]{1,64})", r"[\w.-]{1,64}"), *_atoms(middle), (r"(?=\{)", "")]
        self._whole = re.compile("".join(whole for whole, _ in atoms))
        growing = ""
        for whole, part in reversed(atoms):
            plain = whole.replace("?P<name>", "?:")
            growing = f"(?:{plain}{growing}|{part})?" if growing else f"(?:{part})?"
        self._growing = re.compile(growing + r"\Z")

    def read(self, text: str) -> tuple[str | None, int, bool]:
        """The name, the end of the match (-1: none), and whether more text may yet make a match."""
        match = self._whole.match(text)
        if match is None:
            return None, -1, self._growing.match(text) is not None
        return match.groupdict().get("name"), match.end(), False


def _atoms(text: str) -> list[tuple[str, str]]:
    """Regular expressions whose sequence matches `text`, each with one for its beginnings."""
    atoms: list[tuple[str, str]] = []
    for token in re.findall(rf'"(?:arguments|parameters)"|{CALL_ID}|\s+|[{{}}\[\],:]|.', text, re.DOTALL):
        if token in ('"arguments"', '"parameters"'):
            either = "|".join(_beginnings(key) for key in ('"arguments"', '"parameters"'))
            atoms.append(('"(?:arguments|parameters)"', either))
        elif token == CALL_ID:
            atoms.append((r"[\w-]*", r"[\w-]*"))
        elif token.isspace():
            atoms.append((r"\s*", r"\s*"))
        elif token in "{}[],:":
            atoms.append((rf"\s*{re.escape(token)}\s*", rf"\s*(?:{re.escape(token)}\s*)?"))
        else:
            atoms.append((re.escape(token), ""))
    return atoms


def _beginnings(text: str) -> str:
    growing = ""
    for char in reversed(text):
        growing = f"(?:{re.escape(char)}{growing})?"
    return growing


@functools.lru_cache(maxsize=64)
def patterns(form: CallFormat) -> tuple[Pattern, Pattern | None, Pattern]:
    """Of what follows the marker up to the first arguments, of what stands between two calls' arguments, and
    of what closes the last."""
    opening = form.opening.lstrip()
    if form.is_marked:
        opening = opening[len(form.marker) :]
    following = None if form.between is None else Pattern(form.between, form.middle)
    return Pattern(opening, form.middle), following, Pattern(form.closing, None)
