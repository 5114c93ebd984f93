// The catalogue that the conformance suite expects on a server, independent of its SDK. Written from the suite's own
// descriptions of its scenarios (`conformance list --server`).
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";
const SILENCE = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";

const text = (value) => ({ type: "text", text: value });
const image = { type: "image", data: PIXEL, mimeType: "image/png" };
const embedded = (uri, mimeType, value) => ({ type: "resource", resource: { uri, mimeType, text: value } });
const content = (...parts) => ({ content: parts });
const object = (properties = {}, required = []) => ({ type: "object", properties, required });
const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));
const answer = (result) => content(text(
  `Elicitation completed: action=${result.action}, content=${JSON.stringify(result.content ?? {})}`,
));

export const JSON_SCHEMA_2020_12 = {
  $schema: "https://json-schema.org/draft/2020-12/schema",
  type: "object",
  $defs: {
    address: {
      $anchor: "addressDef",
      type: "object",
      properties: { street: { type: "string" }, city: { type: "string" } },
    },
  },
  properties: {
    name: { type: "string" },
    address: { $ref: "#/$defs/address" },
    contactMethod: { type: "string", enum: ["phone", "email"] },
    phone: { type: "string" },
    email: { type: "string" },
  },
  allOf: [{ anyOf: [{ required: ["phone"] }, { required: ["email"] }] }],
  if: { properties: { contactMethod: { const: "phone" } }, required: ["contactMethod"] },
  then: { required: ["phone"] },
  else: { required: ["email"] },
  additionalProperties: false,
};

const DEFAULTS = object({
  name: { type: "string", description: "Name", default: "John Doe" },
  age: { type: "integer", description: "Age", default: 30 },
  score: { type: "number", description: "Score", default: 95.5 },
  status: { type: "string", description: "Status", enum: ["active", "inactive", "pending"], default: "active" },
  verified: { type: "boolean", description: "Verified", default: true },
});

const titled = (prefix, titles) => titles.map((title, index) => ({ const: `${prefix}${index + 1}`, title }));
const ENUMS = object({
  untitledSingle: { type: "string", enum: ["option1", "option2", "option3"] },
  titledSingle: { type: "string", oneOf: titled("value", ["First Option", "Second Option", "Third Option"]) },
  legacyEnum: {
    type: "string", enum: ["opt1", "opt2", "opt3"], enumNames: ["Option One", "Option Two", "Option Three"],
  },
  untitledMulti: { type: "array", items: { type: "string", enum: ["option1", "option2", "option3"] } },
  titledMulti: { type: "array", items: { anyOf: titled("value", ["First Choice", "Second Choice", "Third Choice"]) } },
});

// Each: description, input schema, what it does. `peer` is the client, as the SDK at hand reaches it.
export const TOOLS = {
  test_simple_text: ["Answers with text.", object(),
    () => content(text("This is a simple text response for testing."))],
  test_image_content: ["Answers with an image.", object(), () => content(image)],
  test_audio_content: ["Answers with a sound.", object(),
    () => content({ type: "audio", data: SILENCE, mimeType: "audio/wav" })],
  test_embedded_resource: ["Answers with a resource.", object(),
    () => content(embedded("test://embedded-resource", "text/plain", "This is an embedded resource content."))],
  test_multiple_content_types: ["Answers with text, an image and a resource.", object(),
    () => content(text("Multiple content types test:"), image, embedded(
      "test://mixed-content-resource", "application/json", JSON.stringify({ test: "data", value: 123 }),
    ))],
  test_error_handling: ["Always fails.", object(),
    () => ({ isError: true, ...content(text("This tool intentionally returns an error for testing")) })],
  test_tool_with_progress: ["Tells how far it is.", object(), async (_, peer) => {
    for (const progress of [0, 50, 100]) {
      await peer.progress(progress, 100);
      await pause(50);
    }
    return content(text("Progress was told."));
  }],
  json_schema_2020_12_tool: ["Tool with JSON Schema 2020-12 features", JSON_SCHEMA_2020_12,
    (args) => content(text(JSON.stringify(args)))],
};

// Tools of revisions in which a server asks the client while it works.
export const LEGACY_TOOLS = {
  test_tool_with_logging: ["Logs while it works.", object(), async (_, peer) => {
    for (const line of ["Tool execution started", "Tool processing data", "Tool execution completed"]) {
      await peer.log("info", line);
      await pause(50);
    }
    return content(text("Logging was done."));
  }],
  test_sampling: ["Asks the client's model.", object({ prompt: { type: "string" } }, ["prompt"]),
    async ({ prompt }, peer) => {
      const result = await peer.request("sampling/createMessage", {
        messages: [{ role: "user", content: text(prompt) }], maxTokens: 100,
      });
      return content(text(`LLM response: ${result.content?.text ?? ""}`));
    }],
  test_elicitation: ["Asks the human.", object({ message: { type: "string" } }, ["message"]),
    async ({ message }, peer) => {
      const result = await peer.request("elicitation/create", {
        message,
        requestedSchema: object({
          username: { type: "string", description: "User's response" },
          email: { type: "string", description: "User's email address" },
        }, ["username", "email"]),
      });
      return content(text(`User response: action: ${result.action}, content: ${JSON.stringify(result.content ?? {})}`));
    }],
  test_elicitation_sep1034_defaults: ["Asks with defaults.", object(), async (_, peer) => answer(
    await peer.request("elicitation/create", { message: "Please review the defaults", requestedSchema: DEFAULTS }),
  )],
  test_elicitation_sep1330_enums: ["Asks with choices.", object(), async (_, peer) => answer(
    await peer.request("elicitation/create", { message: "Please choose", requestedSchema: ENUMS }),
  )],
  test_reconnection: ["Ends its stream while it works.", object(), async (_, peer) => {
    peer.endStream();
    await pause(100);
    return content(text("Reconnection was possible."));
  }],
};

const user = (part) => ({ role: "user", content: part });
const argument = (name, description) => ({ name, description, required: true });

export const PROMPTS = {
  test_simple_prompt: ["A prompt without arguments.", [],
    () => [user(text("This is a simple prompt for testing."))]],
  test_prompt_with_arguments: ["A prompt with two arguments.",
    [argument("arg1", "First test argument"), argument("arg2", "Second test argument")],
    ({ arg1, arg2 }) => [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))]],
  test_prompt_with_embedded_resource: ["A prompt with a resource.",
    [argument("resourceUri", "URI of the resource to embed")],
    ({ resourceUri }) => [
      user(embedded(resourceUri, "text/plain", "Embedded resource content for testing.")),
      user(text("Please process the embedded resource above.")),
    ]],
  test_prompt_with_image: ["A prompt with an image.", [],
    () => [user(image), user(text("Please analyze the image above."))]],
};

export const RESOURCES = {
  "test://static-text": ["Static text", "text/plain", { text: "This is the content of the static text resource." }],
  "test://static-binary": ["Static image", "image/png", { blob: PIXEL }],
  "test://watched-resource": ["Watched", "text/plain", { text: "Something to watch." }],
};
export const TEMPLATE = "test://template/{id}/data";

// The contents of a resource; null if there is none.
export function readResource(uri) {
  const known = RESOURCES[uri];
  if (known) {
    return { contents: [{ uri, mimeType: known[1], ...known[2] }] };
  }
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  return id ? {
    contents: [{
      uri, mimeType: "application/json", text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
    }],
  } : null;
}

export const toolList = (tools) => Object.entries(tools).map(
  ([name, [description, inputSchema]]) => ({ name, description, inputSchema }),
);
export const promptList = () => Object.entries(PROMPTS).map(
  ([name, [description, args]]) => ({ name, description, arguments: args }),
);
export const resourceList = () => Object.entries(RESOURCES).map(
  ([uri, [name, mimeType]]) => ({ uri, name, description: `The resource ${uri}`, mimeType }),
);
export const templateList = () => [
  { uriTemplate: TEMPLATE, name: "Template", description: "A resource for each id", mimeType: "application/json" },
];
