// The chat page: what is shown and what buttons and keys do.

import * as api from "./api.js";
import * as settings from "./settings.js";
import * as store from "./store.js";
import { element, fill } from "./view.js";

const at = id => document.getElementById(id);
const SHOWN_OF_FILE = 64 * 1024 * 16;
const LONG_PASTE = 4000;

let conversations = [];
let current = store.create();
let files = [];
let contextLength = 0;
let running = null;

function notice(text) {
  at("notice").textContent = text;
  at("notice").hidden = !text;
}

// ---- models

async function loadModels() {
  try {
    const list = await api.models();
    const wanted = localStorage.getItem("model");
    at("model").replaceChildren(...list.map(model => new Option(model.id, model.id, false, model.id === wanted)));
    await loadFacts();
    notice("");
  } catch (error) {
    notice("The server does not answer: " + error.message);
  }
}

async function loadFacts() {
  const props = await api.props(at("model").value);
  contextLength = props.default_generation_settings.n_ctx;
  at("facts").textContent = `${props.model_ftype}, context ${contextLength}`;
  const facts = { Name: props.model_alias, File: props.model_path, Weights: props.model_ftype, Context: contextLength,
    "At a time": props.total_slots, Tools: props.chat_template_caps?.supports_tools ? "yes" : "not in its template" };
  at("model-facts").replaceChildren(...Object.entries(facts).flatMap(([name, value]) => {
    const term = document.createElement("dt");
    term.textContent = name;
    const definition = document.createElement("dd");
    definition.textContent = value;
    return [term, definition];
  }));
}

// ---- conversations

async function loadConversations() {
  try {
    conversations = await store.all();
  } catch {
    conversations = []; // a browser that keeps nothing
  }
  showConversations();
}

function showConversations() {
  const wanted = at("search").value.toLowerCase();
  const shown = conversations.filter(one => !wanted || one.title.toLowerCase().includes(wanted)
    || one.messages.some(message => message.content.toLowerCase().includes(wanted)));
  at("conversations").replaceChildren(...shown.map(one => {
    const item = document.createElement("li");
    item.classList.toggle("current", one.id === current.id);
    const title = document.createElement("button");
    title.type = "button";
    title.className = "title";
    title.textContent = one.title || "New conversation";
    title.addEventListener("click", () => open(one));
    title.addEventListener("dblclick", () => rename(one));
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "quiet";
    remove.textContent = "✕";
    remove.setAttribute("aria-label", "Delete " + title.textContent);
    remove.addEventListener("click", async () => {
      if (!confirm("Delete this conversation?")) return;
      await store.remove(one.id);
      if (one.id === current.id) open(store.create());
      loadConversations();
    });
    item.append(title, remove);
    return item;
  }));
}

async function rename(conversation) {
  const title = prompt("Title", conversation.title);
  if (title) {
    conversation.title = title;
    await keep(conversation);
  }
}

function open(conversation) {
  running?.abort();
  current = conversation;
  show();
  showConversations();
  if (matchMedia("(max-width: 820px)").matches) side(false);
  at("question").focus();
}

async function keep(conversation = current) {
  const first = conversation.messages.find(message => message.role === "user");
  conversation.title ||= (first?.shown ?? first?.content ?? "").split("\n")[0].slice(0, 60);
  conversation.changed = Date.now();
  try {
    await store.put(conversation);
    await loadConversations();
  } catch (error) {
    notice("This browser cannot keep the conversation: " + error.message);
  }
}

function show() {
  if (!current.messages.length) {
    const empty = document.createElement("p");
    empty.className = "empty";
    empty.textContent = "Everything stays on this machine. Ask something.";
    at("messages").replaceChildren(empty);
  } else {
    at("messages").replaceChildren(...current.messages.map(messageElement));
  }
  meter();
  at("messages").scrollTop = at("messages").scrollHeight;
}

function messageElement(message) {
  return element(message, {
    edit: () => {
      cutFrom(message);
      at("question").value = message.content;
      grow();
      at("question").focus();
    },
    again: () => {
      cutFrom(message);
      answer();
    },
    remove: () => {
      current.messages.splice(current.messages.indexOf(message), 1);
      keep();
      show();
    },
  });
}

function cutFrom(message) {
  running?.abort();
  current.messages.length = Math.max(0, current.messages.indexOf(message));
  show();
}

// ---- asking

function messagesToSend() {
  const system = settings.system();
  const sent = system ? [{ role: "system", content: system }] : [];
  for (const message of current.messages) {
    if (message.error && !message.content) continue;
    const one = { role: message.role, content: message.content };
    if (message.calls?.length) one.tool_calls = message.calls;
    if (message.tool_call_id) one.tool_call_id = message.tool_call_id;
    sent.push(one);
  }
  return sent;
}

function ask() {
  const text = at("question").value.trim();
  if (running || (!text && !files.length)) return;
  const attached = files.map(file => `File ${file.name}:\n\`\`\`\n${file.text}\n\`\`\``).join("\n\n");
  const message = { role: "user", content: [attached, text].filter(part => part).join("\n\n") };
  if (files.length) message.shown = [files.map(file => "📄 " + file.name).join("  "), text].filter(part => part).join("\n");
  const call = current.messages.at(-1)?.calls?.at(-1);
  if (call) Object.assign(message, { role: "tool", tool_call_id: call.id });
  current.messages.push(message);
  at("question").value = "";
  files = [];
  showFiles();
  grow();
  answer();
}

async function answer() {
  const message = { role: "assistant", content: "", reasoning: "", calls: [] };
  const conversation = current;
  let request;
  try {
    request = { model: at("model").value, messages: messagesToSend(), ...settings.request() };
  } catch (error) {
    notice(error.message);
    return;
  }
  notice("");
  conversation.messages.push(message);
  show();
  running = new AbortController();
  working(true);
  const root = at("messages").lastElementChild;
  const start = performance.now();
  let frame = 0;
  const draw = () => {
    frame = 0;
    if (conversation !== current) return;
    const low = at("messages").scrollHeight - at("messages").scrollTop - at("messages").clientHeight < 80;
    fill(root, message, true);
    if (low) at("messages").scrollTop = at("messages").scrollHeight;
  };
  try {
    await api.chat(request, running.signal, chunk => {
      take(message, chunk, start);
      if (!frame) frame = requestAnimationFrame(draw); // once for each picture, however fast pieces come
    });
  } catch (error) {
    if (error.name === "AbortError") message.stopped = true;
    else message.error = error.message;
  }
  cancelAnimationFrame(frame);
  running = null;
  working(false);
  if (!message.content && !message.reasoning && !message.calls.length && message.stopped) {
    conversation.messages.splice(conversation.messages.indexOf(message), 1);
  }
  if (conversation === current) show();
  at("said").textContent = message.content.slice(0, 2000);
  keep(conversation);
  at("question").focus();
}

function take(message, chunk, start) {
  if (chunk.timings) message.timings = chunk.timings;
  if (chunk.usage) message.usage = chunk.usage;
  if (chunk.prompt_progress) message.state = `reading ${chunk.prompt_progress.processed} of ${chunk.prompt_progress.total} tokens`;
  const choice = chunk.choices?.[0];
  if (!choice) return;
  const delta = choice.delta ?? {};
  if (delta.content) {
    if (message.reasoning && !message.content) message.thought = (performance.now() - start) / 1000;
    message.content += delta.content;
    message.state = "";
  }
  if (delta.reasoning_content) message.reasoning += delta.reasoning_content;
  for (const call of delta.tool_calls ?? []) {
    message.calls[call.index] ??= { id: call.id, type: "function", function: { name: call.function.name, arguments: "" } };
    message.calls[call.index].function.arguments += call.function.arguments ?? "";
  }
  if (choice.finish_reason === "length") message.cut = true;
}

function working(is) {
  at("send").hidden = is;
  at("stop").hidden = !is;
}

function meter() {
  const last = current.messages.findLast(message => message.usage);
  const used = last ? last.usage.total_tokens : 0;
  at("context").value = contextLength ? Math.min(1, used / contextLength) : 0;
  at("counts").textContent = used
    ? `${used} of ${contextLength} tokens` + (used > contextLength * 0.85 ? ": the context is nearly full" : "")
    : "";
}

// ---- files

async function attach(list) {
  for (const file of list) {
    const text = await file.text();
    if (text.includes("\u0000") || text.includes("\uFFFD")) notice(file.name + " is not a text file");
    else if (text.length > SHOWN_OF_FILE) notice(file.name + " is too large for a conversation");
    else files.push({ name: file.name, text });
  }
  showFiles();
}

function showFiles() {
  at("files").replaceChildren(...files.map(file => {
    const item = document.createElement("li");
    item.textContent = file.name + " ";
    const remove = document.createElement("button");
    remove.type = "button";
    remove.className = "quiet";
    remove.textContent = "✕";
    remove.setAttribute("aria-label", "Remove " + file.name);
    remove.addEventListener("click", () => {
      files.splice(files.indexOf(file), 1);
      showFiles();
    });
    item.append(remove);
    return item;
  }));
}

// ---- the page

function side(shown) {
  document.body.classList.toggle("no-side", !shown);
  at("toggle-side").setAttribute("aria-expanded", String(shown));
}

function grow() {
  at("question").style.height = "auto";
  at("question").style.height = at("question").scrollHeight + "px";
}

function theme() {
  const dark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("theme", document.documentElement.dataset.theme);
}

function exportAll() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(conversations, null, 1)], { type: "application/json" }));
  link.download = "nibble-conversations.json";
  link.click();
  URL.revokeObjectURL(link.href);
}

async function importAll(file) {
  try {
    for (const one of JSON.parse(await file.text())) {
      if (one.id && Array.isArray(one.messages)) await store.put(one);
    }
    loadConversations();
  } catch (error) {
    notice("This is no export of conversations: " + error.message);
  }
}

function keys(event) {
  const control = event.ctrlKey || event.metaKey;
  if (event.key === "Escape" && running) running.abort();
  else if (control && event.shiftKey && event.key.toLowerCase() === "o") open(store.create());
  else if (control && event.key.toLowerCase() === "k") {
    side(true);
    at("search").focus();
  } else if (control && event.key.toLowerCase() === "b") side(document.body.classList.contains("no-side"));
  else return;
  event.preventDefault();
}

if (localStorage.getItem("theme")) document.documentElement.dataset.theme = localStorage.getItem("theme");
side(!matchMedia("(max-width: 820px)").matches);
settings.load();
at("ask").addEventListener("submit", event => {
  event.preventDefault();
  ask();
});
at("stop").addEventListener("click", () => running?.abort());
at("new").addEventListener("click", () => open(store.create()));
at("search").addEventListener("input", showConversations);
at("export").addEventListener("click", exportAll);
at("import").addEventListener("click", () => at("import-file").click());
at("import-file").addEventListener("change", event => importAll(event.target.files[0]));
at("attach").addEventListener("click", () => at("attach-file").click());
at("attach-file").addEventListener("change", event => {
  attach([...event.target.files]);
  event.target.value = "";
});
at("model").addEventListener("change", () => {
  localStorage.setItem("model", at("model").value);
  loadFacts().then(meter, error => notice(error.message));
});
at("toggle-side").addEventListener("click", () => side(document.body.classList.contains("no-side")));
at("toggle-settings").addEventListener("click", () => {
  at("settings").hidden = !at("settings").hidden;
  at("toggle-settings").setAttribute("aria-expanded", String(!at("settings").hidden));
});
at("theme").addEventListener("click", theme);
at("question").addEventListener("input", grow);
at("question").addEventListener("keydown", event => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    ask();
  } else if (event.key === "ArrowUp" && !at("question").value) {
    const last = current.messages.findLast(message => message.role === "user");
    if (last && !running) {
      cutFrom(last);
      at("question").value = last.content;
      grow();
      event.preventDefault();
    }
  }
});
at("question").addEventListener("paste", event => {
  const text = event.clipboardData.getData("text");
  if (text.length > LONG_PASTE) {
    event.preventDefault();
    files.push({ name: "pasted.txt", text });
    showFiles();
  }
});
addEventListener("dragover", event => event.preventDefault());
addEventListener("drop", event => {
  event.preventDefault();
  attach([...event.dataTransfer.files]);
});
addEventListener("keydown", keys);
show();
loadModels().then(meter);
loadConversations();
