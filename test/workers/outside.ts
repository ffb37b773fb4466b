/**
 * Everything beyond the machine, as tests see it: every outgoing request ends here. `/status/503` answers that status,
 * `/slow/200` waits that many milliseconds, anything else echoes what was asked.
 */
export async function answerOutside(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const [, kind = "", argument = ""] = pathname.split("/");
  if (kind === "slow") await new Promise((resolve) => setTimeout(resolve, Number(argument)));
  const status = kind === "status" ? Number(argument) : 200;
  const echo = { path: pathname, method: request.method, key: request.headers.get("idempotency-key") };
  return Response.json(echo, { status });
}
