// Part of MiniStack's Node.js worker here (other_runtimes.py): how handlers reach the gateway.
//
// MiniStack takes every https request to this machine or to *.amazonaws.com for one to itself.
// Two addresses are the gateway's, which has TLS: https://{domainName}, a port of localhost, and
// https://{api}.execute-api.{Region}.amazonaws.com, to which the proxy in HTTPS_PROXY leads.

function reachGateway(plainRequest) {
  const { Module, http, https, tls } = {
    Module: require("module"),
    http: require("http"),
    https: require("https"),
    tls: require("tls"),
  };
  const ministacksRequest = https.request;
  const emulator = new URL(process.env.AWS_ENDPOINT_URL || "http://127.0.0.1");
  const proxy = process.env.HTTPS_PROXY ? new URL(process.env.HTTPS_PROXY) : null;
  const here = ["localhost", "127.0.0.1", "::1", "[::1]"];
  const executeApi = /^[a-z0-9]+\.execute-api\.[a-z0-9-]+\.amazonaws\.com(\.cn)?$/i;

  class ProxyAgent extends https.Agent {
    createConnection(options, callback) {
      const asked = http.request({
        host: proxy.hostname,
        port: proxy.port,
        method: "CONNECT",
        path: `${options.host}:${options.port || 443}`,
        agent: false,
      });
      asked.once("error", callback);
      asked.once("connect", (response, socket) => {
        if (response.statusCode !== 200) {
          socket.destroy();
          callback(new Error(`the proxy answers ${response.statusCode}`));
          return;
        }
        callback(null, tls.connect({ ...options, path: undefined, socket }));
      });
      asked.end();
    }
  }
  const agent = new ProxyAgent({ keepAlive: true });

  // (url[, options][, callback]) or (options[, callback])
  function optionsOf(input, options) {
    const more = typeof options === "function" || !options ? {} : options;
    if (typeof input !== "string" && !(input instanceof URL)) return { ...input };
    const { hostname, port } = new URL(input);
    return { hostname, port, ...more };
  }

  https.request = function (input, options, callback) {
    const wanted = optionsOf(input, options);
    const host = wanted.hostname || wanted.host || "";
    if (proxy && executeApi.test(host)) {
      return typeof input === "string" || input instanceof URL
        ? plainRequest(
            input,
            { ...(typeof options === "function" ? {} : options), agent },
            typeof options === "function" ? options : callback,
          )
        : plainRequest({ ...input, agent }, options);
    }
    const port = String(wanted.port || 443);
    if (here.includes(host) && port !== "443" && port !== emulator.port) {
      return plainRequest.apply(https, arguments);
    }
    return ministacksRequest.apply(https, arguments);
  };
  Module.syncBuiltinESMExports(); // for `import { request } from "https"`
}
