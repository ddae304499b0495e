// Lists the operations of the OpenAPI document beside it and sends what somebody fills in. Everything shown is
// set as text, never as markup.
'use strict';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** An element with properties and children. */
function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function cookie(name) {
  const pair = document.cookie.split('; ').find((pair) => pair.startsWith(`${name}=`));
  return pair && decodeURIComponent(pair.slice(name.length + 1));
}

/** The address of an operation, relative to this page, so that it works below any path. */
function address(path, fields) {
  const query = new URLSearchParams();
  let filled = path.replace(/^\/api\//, '').replace(/^\//, '../');
  for (const { parameter, input } of fields) {
    const values = input.value.split('\n').filter((value) => value !== '');
    if (parameter.in === 'path') {
      filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(input.value));
    } else {
      values.forEach((value) => query.append(parameter.name, value));
    }
  }
  return query.size ? `${filled}?${query}` : filled;
}

async function send(method, url, body, output) {
  const headers = {};
  const token = document.getElementById('token').value.trim();
  if (token) headers.authorization = `Bearer ${token}`;
  const csrf = cookie('csrf_token');
  if (csrf) headers['x-csrf-token'] = csrf;
  if (body !== undefined) headers['content-type'] = 'application/json';
  output.textContent = '…';
  try {
    const begun = performance.now();
    const answer = await fetch(url, { method: method.toUpperCase(), headers, body });
    const text = await answer.text();
    let shown = text;
    try { shown = JSON.stringify(JSON.parse(text), null, 2); } catch { /* shown as it came */ }
    const took = Math.round(performance.now() - begun);
    output.textContent = `${method.toUpperCase()} ${url}\n${answer.status} in ${took} ms\n\n${shown}`;
  } catch (error) {
    output.textContent = `The API does not answer: ${error.message}`;
  }
}

function field(parameter) {
  const id = crypto.randomUUID();
  const isList = parameter.schema && [parameter.schema.type].flat().includes('array');
  const input = element(isList ? 'textarea' : 'input', { id, required: Boolean(parameter.required) });
  const name = element('label', { htmlFor: id }, parameter.name + (parameter.required ? ' *' : ''));
  const about = (parameter.description || '') + (isList ? ' (one per line)' : '');
  return { parameter, input, row: element('div', { className: 'parameter' }, name, input, about) };
}

function operation(path, method, described) {
  const fields = (described.parameters || []).map(field);
  const takesBody = Boolean(described.requestBody);
  const body = element('textarea', { ariaLabel: 'Body, JSON', value: '{}' });
  const output = element('pre', { tabIndex: 0, role: 'status' });
  const button = element('button', { type: 'submit' }, 'Send');
  const form = element('form', {}, ...fields.map(({ row }) => row), ...(takesBody ? [body] : []), button);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send(method, address(path, fields), takesBody ? body.value : undefined, output);
  });
  const answers = Object.entries(described.responses || {});
  const codes = answers.map(([status, answer]) => element('li', {}, `${status}: ${answer.description || ''}`));
  const title = element('summary', {}, element('b', {}, method.toUpperCase()), `${path} — ${described.summary || ''}`);
  const details = element('details', {}, title, described.description || '', element('ul', {}, ...codes), form, output);
  details.dataset.words = `${path} ${described.operationId} ${described.summary}`.toLowerCase();
  return details;
}

function show(api) {
  const byTag = new Map(api.tags.map((tag) => [tag.name, [tag.description]]));
  for (const [path, methods] of Object.entries(api.paths)) {
    // The bot's listener is another one.
    if (path.startsWith('/api/telegram/internal/')) continue;
    for (const method of METHODS.filter((method) => methods[method])) {
      const tag = (methods[method].tags || ['system'])[0];
      byTag.get(tag).push(operation(path, method, methods[method]));
    }
  }
  const sections = [...byTag].filter(([, parts]) => parts.length > 1);
  const made = sections.map(([tag, [about, ...parts]]) =>
    element('section', {}, element('h2', {}, `${tag}: ${about}`), ...parts));
  document.getElementById('operations').replaceChildren(...made);
}

function find(words) {
  for (const details of document.querySelectorAll('details')) {
    details.hidden = !details.dataset.words.includes(words.trim().toLowerCase());
  }
}

document.getElementById('find').addEventListener('input', (event) => find(event.target.value));
fetch('openapi.json')
  .then((answer) => answer.json())
  .then(show)
  .catch((error) => {
    document.getElementById('operations').replaceChildren(`The document cannot be read: ${error.message}`);
  });
