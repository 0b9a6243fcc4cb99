// Shows the prices as they change, and sets one.

import { Connection } from "./connection.js";

/** Number of prices in the course of a symbol. */
const COURSE = 40;

const state = document.querySelector("#state");
const body = document.querySelector("#prices");
const pattern = document.querySelector("#row");
const missed = document.querySelector("#missed");
const form = document.querySelector("#set");
const answer = document.querySelector("#answer");
const move = document.querySelector("#move");

const money = new Intl.NumberFormat("en", { style: "currency", currency: "EUR" });
const percent = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 1, signDisplay: "exceptZero" });

/** The last prices of each symbol, with its row. */
const courses = new Map();

function rowOf(symbol) {
  const row = pattern.content.firstElementChild.cloneNode(true);
  row.querySelector("th").textContent = symbol;
  const next = [...courses.keys()].filter((other) => other > symbol).sort()[0];
  body.insertBefore(row, next ? courses.get(next).row : null);
  return row;
}

/** Returns the points of a line from the left to the right, within 120 × 28. */
function points(values) {
  const low = Math.min(...values);
  const range = Math.max(...values) - low || 1;
  const step = 120 / Math.max(values.length - 1, 1);
  const line = values.length > 1 ? values : [values[0], values[0]];
  return line.map((value, at) => `${at * step},${25 - (22 * (value - low)) / range}`).join(" ");
}

function show({ symbol, value }) {
  if (!courses.has(symbol)) courses.set(symbol, { row: rowOf(symbol), values: [] });
  const { row, values } = courses.get(symbol);
  const before = values.at(-1) ?? value;
  values.push(value);
  if (values.length > COURSE) values.shift();
  const direction = value > before ? "up" : value < before ? "down" : "same";
  row.querySelector(".value").textContent = money.format(value);
  row.querySelector(".change").textContent = before ? percent.format(value / before - 1) : "–";
  row.querySelector("polyline").setAttribute("points", points(values));
  // Removed and added again, so that the row flashes with each change.
  row.classList.remove("up", "down", "same");
  void row.offsetWidth;
  row.classList.add(direction);
}

const url = new URL("/api", location);
url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
const connection = new Connection(url, (now) => {
  state.textContent = now;
  state.dataset.state = now;
});

connection.subscribe("prices", {}, (price, lagged) => {
  show(price);
  if (lagged) {
    missed.hidden = false;
    missed.textContent = `This page was too slow for ${lagged} prices, and has missed them.`;
  }
});

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { symbol, value } = form.elements;
  try {
    const price = await connection.call("set", { symbol: symbol.value.toUpperCase(), value: Number(value.value) });
    answer.textContent = `${price.symbol} is now ${money.format(price.value)}.`;
    answer.className = "good";
  } catch (error) {
    answer.textContent = error.data?.reason ? `${error.message}: ${error.data.reason}` : error.message;
    answer.className = "bad";
  }
});

setInterval(() => {
  const symbols = [...courses.keys()];
  if (!move.checked || symbols.length === 0) return;
  const symbol = symbols[Math.floor(Math.random() * symbols.length)];
  const value = courses.get(symbol).values.at(-1) * (1 + (Math.random() - 0.5) / 25);
  connection.call("set", { symbol, value: Math.round(100 * value) / 100 }).catch(() => {});
}, 200);
