// The server: its models, and answers as they come.

let key = sessionStorage.getItem("key") ?? "";

async function call(path, options = {}) {
  const headers = { ...(options.headers ?? {}) };
  if (key) headers["Authorization"] = "Bearer " + key;
  const response = await fetch(path, { ...options, headers });
  if (response.status === 401) {
    const given = prompt("This server needs an API key");
    if (given) {
      key = given;
      sessionStorage.setItem("key", key);
      return call(path, options);
    }
  }
  if (!response.ok) {
    let message = response.status + " " + response.statusText;
    try {
      const body = await response.json();
      message = body.error?.message ?? body.error ?? message;
    } catch { /* it has no better words */ }
    throw new Error(message);
  }
  return response;
}

export async function models() {
  return (await (await call("v1/models")).json()).data;
}

export async function props(model) {
  return (await call("props?model=" + encodeURIComponent(model))).json();
}

// Calls piece(chunk) for each piece of an answer; ends when the answer does, or with an error.
export async function chat(request, signal, piece) {
  const response = await call("v1/chat/completions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true }, return_progress: true }),
    signal,
  });
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let held = "";
  for (;;) {
    const { done, value } = await reader.read();
    held += done ? decoder.decode() : decoder.decode(value, { stream: true });
    let end;
    while ((end = held.indexOf("\n\n")) >= 0) {
      for (const line of held.slice(0, end).split("\n")) {
        if (!line.startsWith("data:")) continue;
        const data = line.slice(5).trim();
        if (data === "[DONE]") return;
        const chunk = JSON.parse(data);
        if (chunk.error) throw new Error(chunk.error.message ?? String(chunk.error));
        piece(chunk);
      }
      held = held.slice(end + 2);
    }
    if (done) throw new Error("the answer broke off");
  }
}
