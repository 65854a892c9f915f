const payload = JSON.parse(document.getElementById("payload").textContent);
const views = [];

const values = (column) => (Array.isArray(column) ? column : column.codes.map((code) => (code < 0 ? null : column.values[code])));

function unpack(table) {
  const names = Object.keys(table);
  const columns = names.map((name) => values(table[name]));
  const rows = columns.length ? columns[0].length : 0;
  return Array.from({ length: rows }, (_, i) => Object.fromEntries(names.map((name, j) => [name, columns[j][i]])));
}

const datasets = new Map();
function dataOf(name) {
  if (!datasets.has(name)) {
    const packed = payload.figures[name].data;
    datasets.set(name, Object.fromEntries(Object.entries(packed).map(([key, table]) => [key, unpack(table)])));
  }
  return datasets.get(name);
}

async function draw(element) {
  const { figure, panel } = element.dataset;
  const { specs, canvas } = payload.figures[figure];
  const spec = {
    ...specs[panel],
    datasets: structuredClone(dataOf(figure)),
    autosize: { type: "fit-x", contains: "padding" },
  };
  const result = await window.vegaEmbed(element, spec, {
    mode: "vega-lite",
    config: payload.theme,
    renderer: canvas[panel] ? "canvas" : "svg",
    actions: false,
    tooltip: { theme: "custom" },
  });
  element.dataset.drawn = "yes";
  views.push(result.view);
}

const drawn = (async () => {
  for (const element of document.querySelectorAll(".chart")) {
    await draw(element);
    await new Promise((resume) => setTimeout(resume));
  }
})();
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("details").forEach((element) => { element.open = true; });
});

for (const select of document.querySelectorAll("[data-signal]")) {
  select.addEventListener("change", async () => {
    await drawn;
    views.filter((view) => view.getState().signals[select.dataset.signal] !== undefined)
      .forEach((view) => view.signal(select.dataset.signal, select.value).runAsync());
  });
}

function sortBy(table, index, button) {
  const header = button.closest("th");
  const down = header.getAttribute("aria-sort") === "ascending";
  table.querySelectorAll("th[aria-sort]").forEach((other) => other.removeAttribute("aria-sort"));
  header.setAttribute("aria-sort", down ? "descending" : "ascending");
  const key = (row) => row.children[index].dataset.value ?? row.children[index].textContent.trim();
  const rows = [...table.tBodies[0].rows];
  rows.sort((a, b) => key(a).localeCompare(key(b), "en", { numeric: true }) * (down ? -1 : 1));
  if (rows.every((row) => row.children[index].dataset.value !== undefined)) {
    rows.sort((a, b) => (Number(key(a)) - Number(key(b))) * (down ? -1 : 1));
  }
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table.sortable")) {
  [...table.tHead.rows[0].cells].forEach((header, index) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...header.childNodes);
    header.append(button);
    button.addEventListener("click", () => sortBy(table, index, button));
  });
}

for (const input of document.querySelectorAll("[data-filter]")) {
  input.addEventListener("input", () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const row of document.getElementById(input.dataset.filter).tBodies[0].rows) {
      const text = row.textContent.toLowerCase();
      row.hidden = !words.every((word) => text.includes(word));
    }
  });
}

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const details = target?.closest("details");
  if (details) {
    details.open = true;
    details.scrollIntoView();
  }
}
window.addEventListener("hashchange", openTarget);
openTarget();
