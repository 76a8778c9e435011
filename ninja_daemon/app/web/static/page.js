// Keeps a page fresh, and says so when it is not. Everything works without it, too.
"use strict";

const OLD = 45; // seconds; the server says something every fifteen
let heard = Date.now();
let busy = false;

let mine = false; // whether times are those of the reader's clock

function local(scope) {
  for (const time of scope.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    time.dataset.utc ??= time.textContent;
    time.textContent = mine ? at.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }) : time.dataset.utc;
  }
}

function offerMyTime() {
  const button = document.createElement("button");
  const name = () => { button.textContent = mine ? "show UTC" : "show my time"; };
  button.type = "button";
  button.addEventListener("click", () => { mine = !mine; name(); local(document); });
  name();
  document.querySelector("nav").append(button);
}

async function refresh() {
  const main = document.getElementById("main");
  const active = document.activeElement;
  if (busy || document.hidden || (active && active !== main && main.contains(active))) {
    return; // somebody is at work in it
  }
  busy = true;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("main");
    if (fresh) {
      main.replaceChildren(...fresh.childNodes);
      local(main);
    }
  } catch {
    // The age below tells of it.
  } finally {
    busy = false;
  }
}

function age() {
  const line = document.getElementById("age");
  const silent = Math.round((Date.now() - heard) / 1000);
  const text = silent > OLD
    ? `This page is ${silent} s old and cannot be brought up to date: the web process does not answer.`
    : "";
  if (line && line.textContent !== text) {
    line.textContent = text;
  }
}

offerMyTime();
const events = new EventSource("/events");
const hear = () => { heard = Date.now(); age(); refresh(); };
events.addEventListener("open", () => { heard = Date.now(); });
events.addEventListener("signal", hear);
events.addEventListener("tick", hear);
document.addEventListener("visibilitychange", () => { if (!document.hidden) { refresh(); } });
setInterval(age, 5000);
