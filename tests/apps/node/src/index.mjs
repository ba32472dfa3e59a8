import { createHash, createHmac } from "node:crypto";
import { request } from "node:https";

const hash = (data) => createHash("sha256").update(data).digest("hex");
const hmac = (key, data) => createHmac("sha256", key).update(data).digest();

// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
function signed(host, path, body) {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION } = process.env;
  const time = new Date().toISOString().replace(/[-:]|\.\d{3}/g, "");
  const scope = [time.slice(0, 8), AWS_REGION, "execute-api", "aws4_request"];
  const headers = { host, "x-amz-date": time, "x-amz-security-token": AWS_SESSION_TOKEN };
  const names = Object.keys(headers).join(";");
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
  const canonicalPath = path.split("/").map(encodeURIComponent).join("/");
  const canonical = ["POST", canonicalPath, "", lines.join(""), names, hash(body)].join("\n");
  const text = ["AWS4-HMAC-SHA256", time, scope.join("/"), hash(canonical)].join("\n");
  const key = scope.reduce(hmac, `AWS4${AWS_SECRET_ACCESS_KEY}`);
  const signature = createHmac("sha256", key).update(text).digest("hex");
  const credential = `${AWS_ACCESS_KEY_ID}/${scope.join("/")}`;
  const authorization =
    `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`;
  return { ...headers, authorization };
}

function post(endpoint, connectionId, body) {
  const path = `${endpoint.pathname}/@connections/${encodeURIComponent(connectionId)}`;
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: endpoint.hostname,
        port: endpoint.port,
        method: "POST",
        path,
        headers: signed(endpoint.host, path, body),
      },
      (response) => {
        response.resume();
        response.on("end", () =>
          response.statusCode === 200 ? resolve() : reject(new Error(response.statusCode)),
        );
      },
    );
    sent.on("error", reject);
    sent.end(body);
  });
}

export async function handler(event) {
  const { apiId, connectionId, domainName, stage } = event.requestContext;
  const name = `${apiId}.execute-api.${process.env.AWS_REGION}.amazonaws.com`;
  await post(new URL(`https://${domainName}/${stage}`), connectionId, `1 ${event.body}`);
  await post(new URL(`https://${name}/${stage}`), connectionId, `2 ${event.body}`);
  return { statusCode: 200 };
}
