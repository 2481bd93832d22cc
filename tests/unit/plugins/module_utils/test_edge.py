from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.kubelab.podnet.plugins.module_utils.edge import run_in_process, run_module
from ansible_collections.kubelab.podnet.plugins.module_utils.errors import (
    InputError,
    InterruptedTaskError,
    ItemsFailedError,
    NotFoundError,
)
from ansible_collections.kubelab.podnet.plugins.module_utils.operations.operation import Operation, Task

OPTIONS: dict[str, dict[str, Any]] = {
    "name": {"type": "str", "required": True},
    "count": {"type": "int", "default": 5},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "api_key": {"type": "str", "no_log": True},
    "logins": {"type": "list", "elements": "dict", "options": {"key": {"type": "str", "no_log": True}}},
}


def operation(run: Any, **rules: Any) -> Operation:
    return Operation(options=OPTIONS, run=run, rules=rules)


def failing(error: BaseException) -> Operation:
    def run(task: Task) -> dict[str, Any]:
        raise error

    return operation(run)


ECHO = operation(lambda task: {"changed": task.check_mode, "got": dict(task.parameters)})


def as_module(
    what: Operation, arguments: dict[str, Any], capsys: pytest.CaptureFixture[str], **more: Any
) -> dict[str, Any]:
    """What a module prints, without what every module says of how it was called."""
    with patch_module_args({**arguments, **more}), pytest.raises(SystemExit):
        run_module(what)
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    printed.pop("invocation", None)
    return printed


def in_process(what: Operation, arguments: dict[str, Any]) -> dict[str, Any]:
    return run_in_process(what, arguments, check_mode=False)


def test_an_operation_gets_its_parameters_converted_and_with_defaults() -> None:
    got = in_process(ECHO, {"name": 7, "count": "3"})["got"]
    assert (got["name"], got["count"], got["state"], got["api_key"]) == ("7", 3, "present", None)


def test_the_arguments_given_are_left_as_they_were() -> None:
    given = {"name": "a", "logins": [{"key": "x"}]}
    in_process(ECHO, given)
    assert given == {"name": "a", "logins": [{"key": "x"}]}


def test_check_mode_reaches_the_operation() -> None:
    assert run_in_process(ECHO, {"name": "a"}, check_mode=True)["changed"]


def test_secrets_are_masked_wherever_they_stand_in_a_result() -> None:
    def run(task: Task) -> dict[str, Any]:
        return {"a": ["x hush-hush y"], "b": {"c": "hush-hush"}, "d": "nested-secret", "plain": task.parameters["name"]}

    arguments = {"name": "visible", "api_key": "hush-hush", "logins": [{"key": "nested-secret"}]}
    assert in_process(operation(run), arguments) == {
        "a": ["x ******** y"],
        "b": {"c": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"},
        "d": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER",
        "plain": "visible",
    }


def test_secrets_are_masked_in_messages_and_details_of_errors() -> None:
    error = InputError("the key hush-hush is wrong", key="hush-hush")
    result = in_process(failing(error), {"name": "a", "api_key": "hush-hush"})
    assert "hush-hush" not in json.dumps(result)
    assert result["msg"] == "the key ******** is wrong"


def test_secrets_are_masked_when_other_arguments_do_not_fit() -> None:
    result = in_process(ECHO, {"name": "a", "api_key": "hush-hush", "state": "hush-hush"})
    assert result["error"] == "invalid-input"
    assert "hush-hush" not in json.dumps(result)


def test_an_error_becomes_a_failed_result_with_its_code_and_details() -> None:
    assert in_process(failing(InputError("not so", known=["a"])), {"name": "a"}) == {
        "failed": True,
        "changed": False,
        "msg": "not so",
        "error": "invalid-input",
        "known": ["a"],
    }


def test_items_that_failed_say_themselves_whether_anything_changed() -> None:
    result = in_process(failing(ItemsFailedError("1 of 2 failed", pods=[], changed=True)), {"name": "a"})
    assert (result["failed"], result["changed"]) == (True, True)


def test_a_mistake_in_our_own_code_is_not_dressed_up_as_a_users() -> None:
    with pytest.raises(ZeroDivisionError):
        in_process(failing(ZeroDivisionError()), {"name": "a"})


SAME = {
    "a result": (ECHO, {"name": "a"}),
    "an error": (failing(NotFoundError("a is not there", 404, "NotFound", names=["b"])), {"name": "a"}),
    "a missing option": (ECHO, {}),
    "an option that is not there": (ECHO, {"name": "a", "nmae": "b"}),
    "several mistakes": (ECHO, {"nmae": "b", "state": "gone", "count": "many"}),
    "secrets": (failing(InputError("hush-hush")), {"name": "hush-hush", "api_key": "hush-hush"}),
    "options that exclude each other": (
        operation(ECHO.run, mutually_exclusive=[("name", "api_key")]),
        {"name": "a", "api_key": "hush-hush"},
    ),
}


@pytest.mark.parametrize(("what", "arguments"), SAME.values(), ids=SAME)
def test_a_module_prints_what_the_same_task_returns_in_process(
    what: Operation, arguments: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert as_module(what, arguments, capsys) == in_process(what, arguments)


def test_a_module_knows_check_mode(capsys: pytest.CaptureFixture[str]) -> None:
    assert as_module(ECHO, {"name": "a"}, capsys, _ansible_check_mode=True)["changed"]


def test_an_option_that_is_not_there_is_named_with_those_that_are() -> None:
    assert in_process(ECHO, {"name": "a", "nmae": "b"})["msg"].startswith("unsupported options: nmae. Supported ")


# --- signals -----------------------------------------------------------------------------------------------------------

SIGNALS = [signal.SIGINT, signal.SIGTERM]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_operation_but_not_its_clean_up(number: signal.Signals) -> None:
    cleaned_up = []

    def run(task: Task) -> dict[str, Any]:
        try:
            os.kill(os.getpid(), number)
            raise AssertionError("went on")
        finally:
            for again in SIGNALS:  # somebody is impatient
                os.kill(os.getpid(), again)
            cleaned_up.append("all of it")

    assert in_process(operation(run), {"name": "a"}) == {
        "failed": True,
        "changed": False,
        "error": "interrupted",
        "msg": f"the task was ended by {number.name}; run it again to go on",
    }
    assert cleaned_up == ["all of it"]


def test_no_handler_of_a_failed_item_takes_the_end_of_the_task_for_one() -> None:
    def run(task: Task) -> dict[str, Any]:
        try:
            raise InterruptedTaskError("ended")
        except Exception:
            return {"changed": False}

    assert in_process(operation(run), {"name": "a"})["error"] == "interrupted"


@pytest.mark.parametrize(
    "run", [lambda task: {"changed": False}, failing(InputError("x")).run, failing(InterruptedTaskError("x")).run]
)
def test_signals_mean_afterwards_what_they_meant_before(run: Any) -> None:
    def mine(number: int, frame: object) -> None: ...

    before = {number: signal.signal(number, mine) for number in SIGNALS}
    try:
        in_process(operation(run), {"name": "a"})
        assert [signal.getsignal(number) for number in SIGNALS] == [mine, mine]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
