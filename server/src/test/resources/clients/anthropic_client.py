"""The official Python client of Anthropic against a server; the address is the argument."""
import sys

import anthropic

client = anthropic.Anthropic(base_url=sys.argv[1], api_key="none", max_retries=0)
hi = [{"role": "user", "content": "hi"}]

answer = client.messages.create(model="tiny", max_tokens=5, messages=hi, system="be brief", extra_body={"temperature": 0})
assert answer.stop_reason == "max_tokens" and answer.content[0].type == "text" and answer.usage.output_tokens == 5
with client.messages.stream(model="tiny", max_tokens=5, messages=hi, system="be brief", extra_body={"temperature": 0}) as stream:
    text = "".join(stream.text_stream)
    final = stream.get_final_message()
assert text.strip() == answer.content[0].text and final.stop_reason == "max_tokens"

tools = [{"name": "weather", "description": "Weather of a city", "input_schema": {
    "type": "object", "properties": {"city": {"enum": ["Paris", "Rome"]}}, "required": ["city"],
    "additionalProperties": False}}]
choice = {"type": "any", "disable_parallel_tool_use": True}
used = client.messages.create(model="tiny", max_tokens=900, messages=hi, tools=tools, tool_choice=choice)
use = used.content[-1]
assert used.stop_reason == "tool_use" and use.type == "tool_use" and use.input["city"] in ("Paris", "Rome"), used
with client.messages.stream(model="tiny", max_tokens=900, messages=hi, tools=tools, tool_choice=choice) as stream:
    assert stream.get_final_message().content[-1].input["city"] in ("Paris", "Rome")
client.messages.create(model="tiny", max_tokens=2, tools=tools, messages=hi + [
    {"role": "assistant", "content": [block.model_dump() for block in used.content]},
    {"role": "user", "content": [{"type": "tool_result", "tool_use_id": use.id, "content": "rain"}]}])
assert client.messages.count_tokens(model="tiny", messages=hi, tools=tools).input_tokens > 5
assert [model.id for model in client.models.list()] == ["tiny", "embed"]
for error, fields in [
    (anthropic.BadRequestError, {"messages": [{"role": "user", "content": "long " * 2000}]}),
    (anthropic.NotFoundError, {"model": "other"}),
]:
    try:
        client.messages.create(**{"model": "tiny", "max_tokens": 1, "messages": hi, **fields})
        raise AssertionError("no " + error.__name__)
    except error as failure:
        assert failure.body["error"]["message"]

print("anthropic", anthropic.__version__, "is content")
