// The access matrix: entries of the catalogues down, people across, for one agent. One cell at a time is in the tab
// order; arrow keys move (WAI-ARIA, grid pattern).
import { h, sign } from "./dom.js";

const WORDS = { permit: "yes", conditional: "depends", deny: "no" };
const marks = (outcome) => (outcome === "deny" ? ["–"] : [sign(outcome), WORDS[outcome]]);

/** What the words mean. */
export function legend() {
  const one = (name, meaning) => h("span", {}, h("b", { className: name }, marks(name)), ` ${meaning}`);
  return [one("permit", "every call"), one("conditional", "some calls, or something must happen first"), one("deny", "no call"),
    h("span", {}, "with every scope and a fresh consent. Choose a cell to ask about it.")];
}

/** The table for one agent; `choose(subject, item)` is called with the places of a cell. */
export function table(matrix, agent, choose) {
  const { subjects, items } = matrix;
  const cells = new Map(matrix.cells.filter((cell) => cell.agent === agent).map((cell) => [cell.item * subjects.length + cell.subject, cell]));
  const rows = [];
  let server;
  items.forEach((item, row) => {
    if (item.server !== server) {
      server = item.server;
      rows.push(h("tr", { className: "server", role: "row" },
        h("th", { scope: "colgroup", role: "rowheader", colSpan: subjects.length + 1 }, server)));
    }
    rows.push(h("tr", { role: "row" },
      h("th", { scope: "row", role: "rowheader" }, item.name, h("span", { className: "faint" }, ` ${item.tier}`)),
      subjects.map((subject, column) => cellOf(cells.get(row * subjects.length + column), { row, column, subject, item }))));
  });
  const grid = h("table", { role: "grid", "aria-label": "Who can use what" },
    h("thead", {}, h("tr", { role: "row" }, h("th", { scope: "col", role: "columnheader" }, "Entry"),
      subjects.map((subject) => h("th", { scope: "col", role: "columnheader" }, subject)))),
    h("tbody", {}, rows));
  grid.querySelector("td")?.setAttribute("tabindex", "0");
  const pick = (cell) => {
    for (const other of grid.querySelectorAll('[aria-selected="true"]')) other.setAttribute("aria-selected", "false");
    cell.setAttribute("aria-selected", "true");
    choose(Number(cell.dataset.column), Number(cell.dataset.row));
  };
  grid.addEventListener("click", (event) => {
    const cell = event.target.closest("td");
    if (cell) {
      focus(grid, cell);
      pick(cell);
    }
  });
  grid.addEventListener("keydown", (event) => {
    const cell = event.target.closest("td");
    if (!cell || event.altKey || event.ctrlKey || event.metaKey) return;
    const [row, column] = [Number(cell.dataset.row), Number(cell.dataset.column)];
    const to = {
      ArrowRight: [row, column + 1], ArrowLeft: [row, column - 1], ArrowDown: [row + 1, column], ArrowUp: [row - 1, column],
      Home: [row, 0], End: [row, subjects.length - 1],
    }[event.key];
    if (to) {
      event.preventDefault();
      focus(grid, grid.querySelector(`td[data-row="${to[0]}"][data-column="${to[1]}"]`));
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      pick(cell);
    }
  });
  return grid;
}

function cellOf(cell, { row, column, subject, item }) {
  const outcome = cell?.outcome ?? "deny";
  const why = [...(cell?.needs ?? []), ...(cell?.reasons ?? []), ...(cell?.monitored ?? []).map((code) => `monitored: ${code}`)].join(", ");
  return h("td", {
    className: outcome, role: "gridcell", tabIndex: -1, title: why, "aria-selected": "false", "data-row": row, "data-column": column,
    "aria-label": `${subject}, ${item.name}: ${WORDS[outcome]}${why ? `, ${why}` : ""}`,
  }, h("span", { className: "mark-text" }, marks(outcome), cell?.monitored.length ? " *" : ""));
}

function focus(grid, cell) {
  if (!cell) return;
  for (const other of grid.querySelectorAll('td[tabindex="0"]')) other.tabIndex = -1;
  cell.tabIndex = 0;
  cell.focus();
}
