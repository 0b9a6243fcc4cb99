// Formats numbers for people.

/// Formats a time in microseconds, with at most three digits.
export function micros(us) {
  if (us === null || us === undefined) {
    return "–";
  }
  for (const [unit, size] of [["s", 1e6], ["ms", 1e3], ["µs", 1]]) {
    if (us >= size || unit === "µs") {
      return `${figures(us / size)} ${unit}`;
    }
  }
  return "–";
}

export function millis(ms) {
  return micros(ms * 1000);
}

/// Formats a rate or a count.
export function figures(value) {
  if (value >= 100_000) {
    return `${figures(value / 1000)} k`;
  }
  if (value >= 100 || Number.isInteger(value)) {
    return Math.round(value).toLocaleString("en");
  }
  return value >= 10 ? value.toFixed(1) : value.toFixed(value < 0.1 && value > 0 ? 2 : 1);
}

export function seconds(s) {
  return s < 90 ? `${Math.round(s)} s` : `${Math.round(s / 60)} min`;
}
