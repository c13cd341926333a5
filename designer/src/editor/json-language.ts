// JSON for the editor: a tree for colours, folding and indenting, also of a text that is not whole yet.

import { continuedIndent, defineLanguageFacet, foldInside, foldNodeProp, indentNodeProp, Language, languageDataProp } from "@codemirror/language";
import type { Diagnostic } from "@codemirror/lint";
import type { EditorView } from "@codemirror/view";
import { NodeProp, NodeSet, NodeType, Parser, Tree, type Input, type PartialParse } from "@lezer/common";
import { styleTags, tags } from "@lezer/highlight";

const NAMES = ["JsonText", "Object", "Array", "PropertyName", "String", "Number", "Word", "{", "}", "[", "]", ",", ":"];
const [TOP, OBJECT, ARRAY, PROPERTY, STRING, NUMBER, WORD] = NAMES.keys();
const PAIRS: Record<string, string> = { "{": "}", "[": "]" };
const data = defineLanguageFacet({ indentOnInput: /^\s*[}\]]$/ });

const NODES = new NodeSet(
  NAMES.map((name, id) =>
    NodeType.define({
      id,
      name,
      top: id === TOP,
      props: PAIRS[name] ? [[NodeProp.closedBy, [PAIRS[name]]]] : [],
    }),
  ),
).extend(
  languageDataProp.add({ JsonText: data }),
  indentNodeProp.add({ Object: continuedIndent({ except: /^\s*\}/ }), Array: continuedIndent({ except: /^\s*\]/ }) }),
  foldNodeProp.add({ "Object Array": foldInside }),
  styleTags({
    PropertyName: tags.propertyName,
    String: tags.string,
    Number: tags.number,
    Word: tags.bool,
    ", : [ ] { }": tags.punctuation,
  }),
);

const TOKEN = /"(?:[^"\\\n]|\\.)*"?|-?\d[\d.eE+-]*|[A-Za-z]+|[{}[\],:]/g;
const BEFORE_VALUE = /\s*:/y;

/** The tree of a text; brackets that are not closed reach to its end. */
export function treeOf(text: string): Tree {
  // Four numbers a node (type, from, to, numbers of it and its children), children first.
  const buffer: number[] = [];
  const open: { id: number; from: number; at: number }[] = [];
  const put = (id: number, from: number, to: number, at = buffer.length) => buffer.push(id, from, to, buffer.length - at + 4);
  const close = (to: number) => {
    const { id, from, at } = open.pop() as (typeof open)[number];
    put(id, from, to, at);
  };
  for (const { 0: token, index: from } of text.matchAll(TOKEN)) {
    const to = from + token.length;
    if (token === "{" || token === "[") open.push({ id: (token === "{" ? OBJECT : ARRAY) as number, from, at: buffer.length });
    put(idOf(token, text, to), from, to);
    const innermost = open.at(-1);
    if (innermost && token === (innermost.id === OBJECT ? "}" : "]")) close(to);
  }
  while (open.length) close(text.length);
  return Tree.build({ buffer, nodeSet: NODES, topID: TOP as number, length: text.length });
}

function idOf(token: string, text: string, to: number): number {
  if (token[0] === '"') {
    BEFORE_VALUE.lastIndex = to;
    return (BEFORE_VALUE.test(text) ? PROPERTY : STRING) as number;
  }
  if (/^[-\d]/.test(token)) return NUMBER as number;
  return /^\w/.test(token) ? (WORD as number) : NAMES.indexOf(token);
}

/** All at once: a draft of the greatest size takes some milliseconds. */
class JsonParser extends Parser {
  createParse(input: Input): PartialParse {
    return {
      parsedPos: input.length,
      stoppedAt: null,
      stopAt: () => undefined,
      advance: () => treeOf(input.read(0, input.length)),
    };
  }
}

export const jsonLanguage = new Language(data, new JsonParser(), [], "json");

/** The first place that is no JSON, as the browser tells it. */
export function jsonProblems({ state: { doc } }: EditorView): Diagnostic[] {
  try {
    JSON.parse(doc.toString());
    return [];
  } catch (error) {
    const { message } = error as SyntaxError;
    const at = Math.min(placeIn(message, (line) => doc.line(Math.min(line, doc.lines)).from), doc.length);
    return [{ from: at, to: at, message, severity: "error" }];
  }
}

function placeIn(message: string, startOf: (line: number) => number): number {
  const place = /at position (\d+)/.exec(message);
  if (place) return Number(place[1]);
  const line = /at line (\d+) column (\d+)/.exec(message);
  return line ? startOf(Number(line[1])) + Number(line[2]) - 1 : 0;
}
