"""What a body asks for."""

from simulator.ask import read_ask
from tests.simulator.calls import ask, body

TOOL = {"name": "look", "input_schema": {"type": "object"}}


def test_a_directive_is_no_part_of_the_prompt() -> None:
    """The directive is read and taken out."""
    found = ask("Say [[sim:text tps=0]] something")
    assert found.directive == "text tps=0"
    assert found.prompt == "Say  something"


def test_the_prompt_is_the_last_text_of_a_user() -> None:
    """Tool results and the assistant's words are no prompt, so a directive lasts through a tool loop."""
    result = {"type": "tool_result", "tool_use_id": "a", "content": [{"type": "text", "text": "42"}]}
    turns = [
        {"role": "user", "content": "first"},
        {"role": "user", "content": [{"type": "text", "text": "[[sim:tools]] second"}]},
        {"role": "assistant", "content": "an answer"},
        {"role": "user", "content": [result]},
    ]
    found = read_ask(body(messages=turns))
    assert found.prompt == "second"
    assert found.directive == "tools"
    assert found.tool_results == ("42",)


def test_tool_choice() -> None:
    """`tool_choice` forbids tools or picks one."""
    other = {**TOOL, "name": "other"}
    assert [tool["name"] for tool in ask(tools=[TOOL, other]).tools] == ["look", "other"]
    assert ask(tools=[TOOL], tool_choice={"type": "none"}).tools == ()
    assert [tool["name"] for tool in ask(tools=[TOOL, other], tool_choice={"type": "tool", "name": "other"}).tools] == [
        "other"
    ]


def test_tools_of_the_api_are_not_the_clients() -> None:
    """The API's own web search is no tool for the client to run."""
    found = ask(tools=[{"type": "web_search_20250305", "name": "web_search"}])
    assert found.tools == ()
    assert found.web_search


def test_longer_prompts_cost_more() -> None:
    """The estimate of input tokens grows with the prompt, the system prompt and the tools."""
    assert ask("a " * 400).input_tokens > ask("a").input_tokens + 150
    assert ask(system="b " * 400).input_tokens > ask().input_tokens + 150
    assert ask(tools=[TOOL]).input_tokens > ask().input_tokens
