// Signs the guestbook, and shows what others write meanwhile.

import { call } from "./rpc.js";

const form = document.querySelector("#sign");
const answer = document.querySelector("#answer");
const list = document.querySelector("#entries");
const pattern = document.querySelector("#entry");

const ago = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

function since(seconds) {
  const passed = Math.max(0, Date.now() / 1000 - seconds);
  if (passed < 10) return "just now";
  if (passed < 60) return ago.format(-Math.floor(passed), "second");
  if (passed < 3600) return ago.format(-Math.floor(passed / 60), "minute");
  if (passed < 86400) return ago.format(-Math.floor(passed / 3600), "hour");
  return ago.format(-Math.floor(passed / 86400), "day");
}

function tellTimes() {
  for (const time of list.querySelectorAll("time")) {
    time.textContent = since(Number(time.dataset.signed));
  }
}

function show({ id, name, text, signed }) {
  const item = pattern.content.firstElementChild.cloneNode(true);
  item.dataset.id = id;
  item.classList.add("new");
  item.querySelector(".text").textContent = text;
  item.querySelector(".name").textContent = name;
  item.querySelector("time").dataset.signed = signed;
  list.prepend(item);
}

// One at a time, or two could bring the same entries.
let running = null;

function refresh() {
  running ??= (async () => {
    const after = Number(list.firstElementChild?.dataset.id ?? 0);
    const [entries, count] = await Promise.all([call("entries", { after }), call("count")]);
    entries.reverse().forEach(show);
    document.querySelector("#count").textContent = count;
    tellTimes();
  })().finally(() => { running = null; });
  return running;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    await call("sign", Object.fromEntries(new FormData(form)));
    form.elements.text.value = "";
    answer.textContent = "Thank you!";
    answer.className = "good";
    await running?.catch(() => {});
    await refresh();
  } catch (error) {
    answer.textContent = error.message;
    answer.className = "bad";
    form.elements[error.data?.field]?.focus();
  } finally {
    button.disabled = false;
  }
});

tellTimes();
// The server may be away for a while: the next try will tell.
setInterval(() => refresh().catch(() => {}), 2000);
