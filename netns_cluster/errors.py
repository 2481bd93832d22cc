# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can go wrong on the way to a cluster. Errors of the cluster's API are in ``api.errors``.

    NetnsClusterError          code
    ├── InvalidRequestError    invalid-request    what was asked for cannot be, whatever the machine
    ├── UnfitMachineError      unfit-machine      this machine lacks a program or forbids what a cluster needs
    ├── MissingLibraryError    missing-library    a Python library does not import
    ├── StateError             no-state           there is no place to note clusters down
    ├── OtherShapeError        other-shape        a cluster of that name is there, with another shape
    └── StartFailedError       start-failed       the cluster's processes did not get ready

The message names the thing, the reason and the next step.
"""

from __future__ import annotations


class NetnsClusterError(Exception):
    """Base of all."""

    code = "netns-cluster-error"


class InvalidRequestError(NetnsClusterError):
    code = "invalid-request"


class UnfitMachineError(NetnsClusterError):
    code = "unfit-machine"


class MissingLibraryError(NetnsClusterError):
    code = "missing-library"


class StateError(NetnsClusterError):
    code = "no-state"


class OtherShapeError(NetnsClusterError):
    code = "other-shape"


class StartFailedError(NetnsClusterError):
    code = "start-failed"
