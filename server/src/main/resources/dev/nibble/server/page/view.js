// One message as the page shows it.

import { render, copyText } from "./markdown.js";

export function element(message, actions) {
  const root = document.createElement("article");
  root.className = "message " + message.role;
  root.setAttribute("aria-label", message.role === "user" ? "You" : message.role === "tool" ? "Result of a tool" : "Answer");
  const body = document.createElement("div");
  body.className = "body";
  root.append(body);
  const tools = document.createElement("div");
  tools.className = "tools";
  root.append(tools);
  fill(root, message, false);
  button(tools, "Copy", event => copyText(message.content, event.target));
  if (message.role === "user") button(tools, "Edit", actions.edit);
  if (message.role === "assistant") button(tools, "Again", actions.again);
  button(tools, "Delete", actions.remove);
  const speed = document.createElement("span");
  speed.className = "speed";
  speed.textContent = speedOf(message);
  tools.append(speed);
  return root;
}

function button(parent, label, action) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = label;
  made.addEventListener("click", action);
  parent.append(made);
}

function speedOf(message) {
  const timings = message.timings;
  if (!timings) return "";
  return `${timings.predicted_n} tokens, ${timings.predicted_per_second.toFixed(1)} a second`
    + `, prompt ${timings.prompt_per_second.toFixed(0)} a second`
    + (message.cut ? ", cut off at its limit" : "") + (message.stopped ? ", stopped" : "");
}

export function fill(root, message, working) {
  const body = root.querySelector(".body");
  const open = body.querySelector("details.thinking")?.open ?? false;
  body.replaceChildren();
  if (message.role === "user") {
    body.textContent = message.shown ?? message.content;
  } else {
    if (message.reasoning) body.append(thoughts(message, open, working));
    body.append(render(message.content));
    for (const call of message.calls ?? []) body.append(called(call));
  }
  if (message.error) {
    const error = document.createElement("p");
    error.className = "error";
    error.textContent = message.error;
    body.append(error);
  }
  body.classList.toggle("working", working);
  const speed = root.querySelector(".speed");
  if (speed) speed.textContent = working ? message.state ?? "" : speedOf(message);
}

function thoughts(message, open, working) {
  const details = document.createElement("details");
  details.className = "thinking";
  details.open = open;
  const summary = document.createElement("summary");
  summary.textContent = working && !message.content ? "Thinking …" : "Thoughts" + (message.thought ? ` (${message.thought.toFixed(1)} s)` : "");
  const text = document.createElement("div");
  text.className = "thoughts";
  text.textContent = message.reasoning;
  details.append(summary, text);
  return details;
}

function called(call) {
  const box = document.createElement("div");
  box.className = "call";
  const name = document.createElement("strong");
  name.textContent = "Calls " + call.function.name;
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  pre.textContent = call.function.arguments;
  box.append(name, pre);
  return box;
}
