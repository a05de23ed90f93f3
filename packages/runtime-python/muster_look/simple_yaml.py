"""Reads the YAML that MLflow writes: maps and lists in block style, plain and quoted texts, empty maps and lists.

The standard library has no YAML, and the folder is looked at before anything is installed. What goes beyond this
subset is refused, never guessed.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List

_DEPTH = 40
_LINES = 100_000
_NUMBER = re.compile(r"^-?\d{1,18}$")
_KEY = re.compile(
    r"""^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s\-#'"\[\]{},&*!|>%@`][^:#]*?|[^\s:#'"\[\]{},&*!|>%@`]+?)\s*:(?:\s+(.*))?$"""
)


class YamlError(Exception):
    """It is not the YAML that MLflow writes; says where."""


class _Line:
    __slots__ = ("number", "indent", "text")

    def __init__(self, number: int, indent: int, text: str) -> None:
        self.number = number
        self.indent = indent
        self.text = text


def read_yaml(text: str) -> Any:
    """Raises `YamlError`."""
    lines: List[_Line] = []
    for number, raw in enumerate(text.splitlines(), 1):
        if number > _LINES:
            raise YamlError("it is too long")
        stripped = raw.strip()
        if stripped in ("", "---") or stripped.startswith("#"):
            # Blank lines within quoted texts stand for line breaks; MLflow's texts have none that matter.
            continue
        if "\t" in raw[: len(raw) - len(raw.lstrip())]:
            raise YamlError(f"line {number}: a tab")
        lines.append(_Line(number, len(raw) - len(raw.lstrip(" ")), stripped))
    if not lines:
        return {}
    reader = _Reader(lines)
    value = reader.block(lines[0].indent, 0)
    if not reader.is_at_end():
        raise YamlError(f"line {reader.line().number}: indented otherwise than what it belongs to")
    return value


class _Reader:
    def __init__(self, lines: List[_Line]) -> None:
        self._lines = lines
        self._at = 0

    def is_at_end(self) -> bool:
        return self._at >= len(self._lines)

    def line(self) -> _Line:
        return self._lines[self._at]

    def block(self, indent: int, depth: int) -> Any:
        if depth > _DEPTH:
            raise YamlError(f"line {self.line().number}: nested too deep")
        return self.list(indent, depth) if _is_item(self.line().text) else self.map(indent, depth)

    def list(self, indent: int, depth: int) -> List[Any]:
        found: List[Any] = []
        while not self.is_at_end() and self.line().indent == indent and _is_item(self.line().text):
            line = self.line()
            rest = line.text[1:].strip()
            if rest == "":
                self._at += 1
                found.append(self.block(self.line().indent, depth + 1) if self._is_deeper(indent) else None)
            elif _KEY.match(rest) is not None or _is_item(rest):
                # `- name: x`: a map (or a list) that begins on the line of its dash.
                offset = len(line.text) - len(line.text[1:].lstrip())
                line.indent += offset
                line.text = rest
                found.append(self.block(line.indent, depth + 1))
            else:
                self._at += 1
                found.append(self.scalar(rest, line.number, indent))
        return found

    def map(self, indent: int, depth: int) -> Dict[str, Any]:
        found: Dict[str, Any] = {}
        while not self.is_at_end() and self.line().indent == indent and not _is_item(self.line().text):
            line = self.line()
            match = _KEY.match(line.text)
            if match is None:
                raise YamlError(f"line {line.number}: no key and value")
            key = str(_plain(match.group(1), line.number))
            rest = (match.group(2) or "").strip()
            self._at += 1
            if rest == "" or rest.startswith("#"):
                # A list may stand at the indentation of its key.
                is_list_below = not self.is_at_end() and self.line().indent == indent and _is_item(self.line().text)
                found[key] = (
                    self.block(self.line().indent, depth + 1) if is_list_below or self._is_deeper(indent) else None
                )
            else:
                found[key] = self.scalar(rest, line.number, indent)
        return found

    def scalar(self, text: str, number: int, indent: int) -> Any:
        """A value, which may go on in lines that are indented deeper."""
        if text[0] in "|>":
            lines = []
            while self._is_deeper(indent):
                lines.append(self.line().text)
                self._at += 1
            return ("\n" if text[0] == "|" else " ").join(lines)
        is_open = _is_open(text)
        while (is_open or text[0] not in "'\"[{") and self._is_deeper(indent - 1 if is_open else indent):
            if not is_open and (": " in self.line().text or self.line().text.endswith(":")):
                raise YamlError(f"line {self.line().number}: a key within a text")
            text = (
                f"{text} {self.line().text}" if not text.endswith("\\") else text[:-1] + self.line().text.lstrip("\\")
            )
            self._at += 1
            is_open = _is_open(text)
        return _plain(text, number)

    def _is_deeper(self, indent: int) -> bool:
        return not self.is_at_end() and self.line().indent > indent


def _is_item(text: str) -> bool:
    return text == "-" or text.startswith("- ")


def _is_open(text: str) -> bool:
    """A quoted text that does not end on its line."""
    if text[0] == "'":
        return re.match(r"^'(?:[^']|'')*'\s*(?:#.*)?$", text) is None
    if text[0] == '"':
        return re.match(r'^"(?:[^"\\]|\\.)*"\s*(?:#.*)?$', text) is None
    return False


def _plain(text: str, number: int) -> Any:
    if text[0] == "'":
        end = re.match(r"^'((?:[^']|'')*)'", text)
        if end is None:
            raise YamlError(f"line {number}: a quote is never closed")
        return end.group(1).replace("''", "'")
    if text[0] == '"':
        end = re.match(r'^"(?:[^"\\]|\\.)*"', text)
        if end is None:
            raise YamlError(f"line {number}: a quote is never closed")
        return _double_quoted(end.group(0), number)
    if text[0] in "[{":
        return _flow(text, number)
    if text[0] in "&*!%@`":
        raise YamlError(f"line {number}: anchors and tags are not read")
    text = re.split(r"\s#", text, maxsplit=1)[0].strip()
    if text in ("null", "~", "Null", "NULL", ""):
        return None
    if text in ("true", "True", "TRUE"):
        return True
    if text in ("false", "False", "FALSE"):
        return False
    # Other numbers stay texts: of 3.10 would be left 3.1.
    return int(text) if _NUMBER.match(text) else text


def _double_quoted(text: str, number: int) -> str:
    body = re.sub(r"\\x([0-9a-fA-F]{2})", r"\\u00\1", text)
    body = body.replace("\\ ", " ").replace("\\e", "\\u001b").replace("\\0", "\\u0000").replace("\\_", "\\u00a0")
    try:
        return str(json.loads(body, strict=False))
    except ValueError as error:
        raise YamlError(f"line {number}: an escape is not read") from error


def _flow(text: str, number: int) -> Any:
    """`[]`, `{}`, and flat lists of plain texts; JSON, too."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    if text[0] == "[" and text[-1] == "]" and not any(sign in text[1:-1] for sign in "[]{}"):
        return [_plain(part.strip(), number) for part in text[1:-1].split(",") if part.strip() != ""]
    raise YamlError(f"line {number}: such lists and maps are not read")
