// Times and spans in words. The daemon's clock counts, not the browser's.

import { html, setText } from "./dom.js";

let skewMs = 0;

/** `date` is that of an HTTP answer, exact to a second: only a clock that is really off is corrected. */
export function learnClock(date) {
  const skew = Date.parse(date ?? "") - Date.now();
  if (!Number.isNaN(skew)) skewMs = Math.abs(skew) > 2000 ? skew : 0;
}

export function nowMs() {
  return Date.now() + skewMs;
}

/** "340 ms", "12 s", "3 min", "5 h 12 min", "3 d 4 h" */
export function span(ms) {
  if (!(ms >= 0)) return "0 s";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const [s, min, h, d] = [1000, 60_000, 3_600_000, 86_400_000].map((unit) => Math.floor(ms / unit));
  if (min < 1) return `${s} s`;
  if (h < 1) return `${min} min`;
  if (d < 2) return min % 60 ? `${h} h ${min % 60} min` : `${h} h`;
  return h % 24 ? `${d} d ${h % 24} h` : `${d} d`;
}

/** "14:03:22", with the date when it is not today's */
export function clock(time) {
  const date = new Date(time);
  if (Number.isNaN(date.getTime())) return "";
  const two = (number) => String(number).padStart(2, "0");
  const hours = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  if (date.toDateString() === new Date(nowMs()).toDateString()) return hours;
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${hours}`;
}

export function clockElement(time) {
  return html("time", { datetime: time, title: time }, clock(time));
}

/** How long it is since then (or until then); kept up to date by tick(). */
export function spanElement(time) {
  const element = html("time", { datetime: time, title: clock(time), "data-span": "" });
  show(element);
  return element;
}

/** To be called each second. */
export function tick() {
  document.querySelectorAll("time[data-span]").forEach(show);
}

function show(element) {
  const ms = Math.abs(nowMs() - Date.parse(element.dateTime));
  setText(element, ms < 1000 ? "1 s" : span(ms));
}
