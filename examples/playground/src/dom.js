// Elements from data. Text is only ever set as text: nothing that a policy says becomes markup.

/** An element with properties and children; `aria-*`, `data-*` and `role` become attributes. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "scope") element.setAttribute(key, String(value));
    else if (value !== undefined) element[key] = value;
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The element with this id. */
export const by = (id) => document.getElementById(id);

/** Text in which what stands between backticks becomes code. */
export function prose(text) {
  return text.split("`").map((part, index) => (index % 2 ? h("code", {}, part) : part));
}

/** The drawn sign of an outcome. */
export const sign = (outcome) => h("span", { className: `sign ${outcome}`, "aria-hidden": "true" });

/** Fills a select; keeps what was chosen where it is still there. */
export function fill(select, options, chosen) {
  const groups = new Map();
  const made = options.map(({ value, label, group }) => {
    const option = h("option", { value, selected: value === chosen }, label);
    if (!group) return option;
    if (groups.has(group)) {
      groups.get(group).append(option);
      return null;
    }
    const made = h("optgroup", { label: group }, option);
    groups.set(group, made);
    return made;
  });
  select.replaceChildren(...made.filter(Boolean));
}

/** Calls once things have been quiet for so many milliseconds. */
export function quiet(milliseconds, then) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(then, milliseconds);
  };
}
