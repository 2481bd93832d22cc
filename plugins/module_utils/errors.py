# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that this collection raises on purpose. Private to the collection: it may change at any time.

    PodnetError                  code
    ├── InputError               invalid-input        an argument or a file that cannot be used as it is
    ├── MissingLibraryError      missing-library      a Python library that the task needs does not import
    ├── MissingProgramError      missing-program      a program that the task needs is not there, or too old
    ├── ConfigError              invalid-kubeconfig   no usable way to a cluster in the options, variables or files given
    ├── ConnectionFailedError    connection-failed    the API server cannot be reached, or broke off
    ├── DeadlineError            deadline-exceeded    something did not end within the time the task allows
    ├── ApiError                 api-error            the API server answered with an error; has .status and .reason
    │   ├── UnauthorizedError    unauthorized         401: no or expired credentials
    │   ├── ForbiddenError       forbidden            403: a right is missing, or admission refused
    │   ├── NotFoundError        not-found            404
    │   ├── ConflictError        conflict             409: exists already, or somebody else changed it
    │   └── RejectedError        rejected             400 or 422: the server does not take the object as it is
    ├── NotOursError             not-ours             an object of that name was made by somebody else
    ├── PodNotReadyError         pod-not-ready        a pod that did not get Ready, with the reason that events give
    ├── ExecError                exec-failed          a command in a pod or on a node could not be run or failed
    ├── NodeAccessError          no-node-access       none of the ways to run a command on a node is open
    ├── UnexpectedError          unexpected           a measurement that is not what was expected
    ├── ClusterError             cluster-failed       a lab cluster could not be made or removed
    └── ItemsFailedError         items-failed         some items of a list failed; each carries its own msg and error

    InterruptedTaskError         interrupted          a signal ends the task; not an Exception, so that no handler of a
                                                      failed item takes it for one: it passes the ``finally`` clauses only

The code is stable and stands under ``error`` in a failed result, the message under ``msg``. The message names the thing, the
reason and the next step. ``details`` are further plain JSON values for the result.
"""

from __future__ import annotations

from typing import Any


class PodnetError(Exception):
    """Base of all: ``str(error)`` is the message, ``code`` the stable name, ``details`` go into the failed result."""

    code = "podnet-error"

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.details = details


class InputError(PodnetError):
    code = "invalid-input"


class MissingLibraryError(PodnetError):
    code = "missing-library"


class MissingProgramError(PodnetError):
    code = "missing-program"


class ConfigError(PodnetError):
    code = "invalid-kubeconfig"


class ConnectionFailedError(PodnetError):
    code = "connection-failed"


class DeadlineError(PodnetError):
    code = "deadline-exceeded"


class ApiError(PodnetError):
    """``status`` is the HTTP status, ``reason`` the word of the API's Status object (``NotFound``), ``details`` its details."""

    code = "api-error"

    def __init__(self, message: str, status: int, reason: str = "", **details: Any) -> None:
        super().__init__(message, **details)
        self.status = status
        self.reason = reason


class UnauthorizedError(ApiError):
    code = "unauthorized"


class ForbiddenError(ApiError):
    code = "forbidden"


class NotFoundError(ApiError):
    code = "not-found"


class ConflictError(ApiError):
    code = "conflict"


class RejectedError(ApiError):
    code = "rejected"


class NotOursError(PodnetError):
    code = "not-ours"


class PodNotReadyError(PodnetError):
    code = "pod-not-ready"


class ExecError(PodnetError):
    code = "exec-failed"


class NodeAccessError(PodnetError):
    code = "no-node-access"


class UnexpectedError(PodnetError):
    code = "unexpected"


class ClusterError(PodnetError):
    code = "cluster-failed"


class ItemsFailedError(PodnetError):
    code = "items-failed"


class InterruptedTaskError(BaseException):
    code = "interrupted"
