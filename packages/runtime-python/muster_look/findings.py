"""What was found out about a file: the answer of the program."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Dict, List, Optional, Tuple

_LONGEST = 1000


class NotReadable(Exception):
    """The file cannot be used as it is. Says what it is, why, and what to do; `code` is one of Muster's error codes."""

    def __init__(self, detail: str, remedy: str, code: str = "invalid_model_file", title: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.remedy = remedy
        self.code = code
        self.title = title or "The file is not a model that can be read"


@dataclass
class Findings:
    """Everything that a file tells of itself."""

    format: Optional[str] = None
    #: `python` or `onnx`; None where Muster cannot run it as it is. ONNX has an inspection of its own.
    runtime: Optional[str] = None
    #: The library that made it, with its version where the file tells.
    producer: str = ""
    model_class: str = ""
    #: Top-level modules beyond the standard library.
    modules: List[str] = field(default_factory=list)
    #: Lines of a requirements file.
    requirements: List[str] = field(default_factory=list)
    #: Minor version of Python, where the file tells.
    python_version: Optional[str] = None
    #: Severity and text, each once.
    dangers: List[Tuple[str, str]] = field(default_factory=list)
    missing: List[Dict[str, str]] = field(default_factory=list)
    #: The file itself tells what its inputs are.
    has_signature: bool = False
    adaptations: List[str] = field(default_factory=list)
    #: Who looked for dangerous instructions, or why nobody did.
    scanner: str = ""
    #: What more there is to say: names of features, objective, classes, in words of this program.
    details: Dict[str, Any] = field(default_factory=dict)

    def danger(self, severity: str, what: str) -> None:
        if (severity, what) not in self.dangers and len(self.dangers) < 1000:
            self.dangers.append((severity, what))

    def lacks(self, kind: str, what: str, why: str, remedy: str) -> None:
        """`kind`: requirement (a package), code (a class that is not in it), sample, or export (another format)."""
        if all(entry["what"] != what for entry in self.missing) and len(self.missing) < 1000:
            self.missing.append({"kind": kind, "what": what, "why": why, "remedy": remedy})

    def adapts(self, text: str) -> None:
        if text not in self.adaptations:
            self.adaptations.append(text)

    def needs(self, *requirements: str) -> None:
        for requirement in requirements:
            if requirement not in self.requirements:
                self.requirements.append(requirement)

    def fits(self) -> None:
        """Cuts what a hostile file made long: whoever reads the answer has limits, too."""
        self.producer = self.producer[:_LONGEST]
        self.model_class = self.model_class[:_LONGEST]
        self.modules = [module[:_LONGEST] for module in self.modules[:1000]]
        self.requirements = [line for line in self.requirements if len(line) <= _LONGEST][:2000]
        self.dangers = [(severity, what[:_LONGEST]) for severity, what in self.dangers]
        self.missing = [{key: text[:_LONGEST] for key, text in entry.items()} for entry in self.missing]
        self.adaptations = [text[:_LONGEST] for text in self.adaptations[:1000]]

    def as_json(self) -> Dict[str, Any]:
        return {
            "ok": True,
            "format": self.format,
            "runtime": self.runtime,
            "producer": self.producer,
            "modelClass": self.model_class,
            "modules": sorted(self.modules),
            "requirements": self.requirements,
            "pythonVersion": self.python_version,
            "dangers": [{"severity": severity, "what": what} for severity, what in self.dangers],
            "missing": self.missing,
            "hasSignature": self.has_signature,
            "adaptations": self.adaptations,
            "scanner": self.scanner,
            "details": self.details,
        }
