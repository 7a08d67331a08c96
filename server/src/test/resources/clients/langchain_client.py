"""LangChain's chat models for OpenAI and Ollama against a server; the address is the argument."""
import sys
from importlib.metadata import version
from typing import Literal

from langchain_core.tools import tool
from langchain_ollama import ChatOllama, OllamaEmbeddings
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel, ConfigDict

address = sys.argv[1]


class Number(BaseModel):
    """A number."""

    model_config = ConfigDict(extra="forbid")
    name: Literal["one", "two"]


@tool
def weather(city: Literal["Paris", "Rome"]) -> str:
    """Weather of a city."""
    return "rain in " + city


openai = ChatOpenAI(base_url=address + "/v1", api_key="none", model="tiny", max_retries=0)
ollama = ChatOllama(base_url=address, model="tiny", num_predict=200, temperature=0)

assert openai.invoke("hi", max_tokens=4).usage_metadata["output_tokens"] == 4
assert sum(1 for _ in openai.stream("hi", max_tokens=4)) > 1
call = openai.bind_tools([weather], tool_choice="any", parallel_tool_calls=False, strict=True).invoke("hi").tool_calls[0]
assert call["name"] == "weather" and call["args"]["city"] in ("Paris", "Rome")
assert openai.with_structured_output(Number).invoke("hi").name in ("one", "two")
assert openai.with_structured_output(Number, method="function_calling").invoke("hi").name in ("one", "two")
assert len(OpenAIEmbeddings(
    base_url=address + "/v1", api_key="none", model="embed", check_embedding_ctx_length=False
).embed_documents(["a", "b"])) == 2

assert ollama.invoke("hi").response_metadata["done"]
assert sum(1 for _ in ollama.stream("hi")) > 1
ollama.bind_tools([weather]).invoke("hi")
assert ollama.with_structured_output(Number).invoke("hi").name in ("one", "two")
assert len(OllamaEmbeddings(base_url=address, model="embed").embed_documents(["a", "b"])) == 2

print("langchain-openai", version("langchain-openai"), "and langchain-ollama", version("langchain-ollama"), "are content")
