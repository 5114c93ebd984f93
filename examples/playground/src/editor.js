// The editor of policy files, with problems in place. It lives in a shadow root: its styles then come as constructed
// sheets, which a strict Content-Security-Policy admits.
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
import { EditorState, Transaction } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const theme = EditorView.theme({
  // As large as its place, for any content.
  "&": { position: "absolute", inset: "0", color: "var(--ink)", backgroundColor: "var(--sunk)", fontSize: "13.5px" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-gutters": { backgroundColor: "var(--sunk)", color: "var(--faint)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--accent-soft)" },
  "&.cm-focused": { outline: "3px solid var(--accent)", outlineOffset: "-3px" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "light-dark(#c7d5ff, #3a4a7a)",
  },
  // No picture as a `data:` address: the page's own policy lets none load.
  ".cm-lintRange.cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad) 1.5px",
    textUnderlineOffset: "3px",
    backgroundColor: "var(--bad-soft)",
  },
  ".cm-lintRange.cm-lintRange-warning": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--warn) 1.5px",
    textUnderlineOffset: "3px",
    backgroundColor: "var(--warn-soft)",
  },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "8px", overflow: "hidden" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn)" },
  ".cm-panels": { backgroundColor: "var(--card)", color: "var(--ink)" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "var(--card)", color: "var(--ink)" },
  ".cm-textfield": { backgroundColor: "var(--card)", color: "var(--ink)" },
});

const colours = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--code-key)" },
  { tag: [tags.string, tags.content], color: "var(--code-text)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: tags.comment, color: "var(--faint)", fontStyle: "italic" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--faint)" },
]);

/** Most problems that are marked: each walks along its line, which may be the whole file. */
const MOST_MARKED = 100;

/** An editor within `host`; `changed` is called with the text whenever a person changes it. */
export function editor(host, changed) {
  const root = host.attachShadow({ mode: "open" });
  const extensions = (label) => [
    lineNumbers(),
    history(),
    drawSelection(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    highlightSelectionMatches(),
    bracketMatching(),
    indentOnInput(),
    yaml(),
    syntaxHighlighting(colours),
    theme,
    // Tab leaves the editor, so that keyboard users are not trapped in it.
    keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap]),
    EditorView.contentAttributes.of({ "aria-label": label, tabindex: "0", spellcheck: "false" }),
    EditorView.updateListener.of((update) => {
      const by = (transaction) => transaction.annotation(Transaction.userEvent) !== undefined;
      if (update.docChanged && update.transactions.some(by)) changed(update.state.doc.toString());
    }),
  ];
  const state = (text, label) => EditorState.create({ doc: text, extensions: extensions(label) });
  const view = new EditorView({ state: state("", "Policy"), parent: root, root });
  // Each file keeps its own history and selection.
  let states = new Map();
  let shown;

  return {
    view,
    /** Shows a file; `key` tells files apart. */
    show(key, text, label) {
      if (shown !== undefined) states.set(shown, view.state);
      const kept = states.get(key);
      view.setState(kept && kept.doc.toString() === text ? kept : state(text, label));
      shown = key;
    },
    /** Forgets all files. */
    forget() {
      states = new Map();
      shown = undefined;
    },
    /** Marks problems where they are. */
    mark(problems) {
      const { doc } = view.state;
      const diagnostics = problems.slice(0, MOST_MARKED).map((problem) => {
        const from = offset(doc, problem);
        return { from, to: end(doc, from), severity: problem.severity ?? "error", message: lineOf(problem) };
      });
      view.dispatch(setDiagnostics(view.state, diagnostics));
    },
    /** Puts the cursor at a problem. */
    goTo(problem) {
      const at = offset(view.state.doc, problem);
      view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
      view.focus();
    },
  };
}

/** A problem's message with its suggestion. */
export function lineOf({ message, suggestion }) {
  return suggestion ? `${message}; ${suggestion}` : message;
}

/** Columns count characters; the editor counts UTF-16 units. */
function offset(doc, { line, column }) {
  const { from, text } = doc.line(Math.min(Math.max(line, 1), doc.lines));
  let at = 0;
  for (let left = column - 1; left > 0 && at < text.length; left -= 1) at += text.codePointAt(at) > 0xffff ? 2 : 1;
  return from + at;
}

/** The end of the word, or of whatever one character stands there. */
function end(doc, from) {
  const rest = doc.lineAt(from).text.slice(from - doc.lineAt(from).from);
  const word = /^(?:"[^"]*"|'[^']*'|[^\s,:{}[\]"']+)/.exec(rest)?.[0].length ?? 1;
  return Math.min(from + word, doc.length);
}
