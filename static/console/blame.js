// Finds the field that an error of the server is about, and shows the error there.

/// One step of a path, as the server writes it: `.width`, `[3]`, `["green tea"]`.
const STEP = /^(?:\.([\p{Alphabetic}\p{N}_-]+)|\[(\d+)\]|\[("(?:[^"\\]|\\.)*")\])/u;

/// Shows the error of a parameter beside its field, or beside the innermost field that contains it,
/// and focuses that. Returns the place of the error, which takes it away with `complain(null)`.
///
/// A place has `complain(text)`, the `input` to focus, and `part(step)`, which returns the place of
/// a member or an element.
export function blame(form, { param, reason } = {}) {
  if (typeof param !== "string") {
    return null;
  }
  const found = readings(param).map(({ name, steps }) => ({ place: form.row(name), steps }));
  let { place, steps } = found.find((one) => one.place) ?? { place: form.otherwise?.(), steps: [{ text: param }] };
  for (let inner = place?.part?.(steps[0]?.key); inner; inner = place.part?.(steps[0]?.key)) {
    [place, steps] = [inner, steps.slice(1)];
  }
  const within = steps.map(({ text }) => text).join("").replace(/^\./, "");
  place?.complain(within === "" ? reason : `${within}: ${reason}`);
  place?.input?.focus();
  return place ?? null;
}

/// Returns the ways to read a path: the name of the parameter, which may have any characters, and
/// the steps that follow. The one with the longest name comes first.
function readings(param) {
  const cuts = Array.from({ length: param.length + 1 }, (_, index) => param.length - index);
  return cuts.map((cut) => ({ name: param.slice(0, cut), steps: read(param.slice(cut)) })).filter(({ steps }) => steps);
}

/// Returns the steps of a path, each with its key and its text; `null` if it is no path.
function read(path) {
  const steps = [];
  while (path !== "") {
    const [text, name, index, quoted] = STEP.exec(path) ?? [];
    if (text === undefined) {
      return null;
    }
    steps.push({ text, key: name ?? (index === undefined ? JSON.parse(quoted) : Number(index)) });
    path = path.slice(text.length);
  }
  return steps;
}
