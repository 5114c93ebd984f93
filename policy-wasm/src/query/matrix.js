// The filters of the page. Without scripts everything is shown.
"use strict";
{
  const [rows, columns, agent] = ["rows", "columns", "agent"].map((id) => document.getElementById(id));
  const none = document.getElementById("none");
  const sections = [...document.querySelectorAll("section")];
  const show = () => {
    const [row, column] = [rows, columns].map((box) => box.value.trim().toLowerCase());
    let shown = 0;
    for (const [index, section] of sections.entries()) {
      section.hidden = agent.value !== "" && agent.value !== String(index);
      const heads = [...section.querySelectorAll("thead th")];
      const hidden = heads.map((head, place) => place > 0 && !head.textContent.toLowerCase().includes(column));
      for (const line of section.querySelectorAll("tr")) {
        const isHead = line.parentElement.tagName === "THEAD";
        line.hidden = !isHead && !line.cells[0].textContent.toLowerCase().includes(row);
        [...line.cells].forEach((cell, place) => { cell.hidden = hidden[place]; });
        if (!isHead && !line.hidden && !section.hidden) shown += 1;
      }
    }
    none.hidden = shown > 0;
  };
  for (const control of [rows, columns, agent]) control.addEventListener("input", show);
  document.querySelector("form").hidden = false;
  document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
}
