"""Hand over a fitted model and have an endpoint.

import muster

churn = muster.deploy(model, name="churn", sample=X.head())
churn.predict(X)
"""

from __future__ import annotations

from ._deploy import deploy
from ._endpoint import Endpoint, endpoint, endpoints
from ._installation import login
from ._score import score
from ._version import __version__
from .errors import MusterError

__all__ = ["Endpoint", "MusterError", "__version__", "deploy", "endpoint", "endpoints", "login", "score"]
