"""Every Lambda of Ping-Pong: event in, chalicelib call out."""

from __future__ import annotations

from typing import Any

from chalice.app import Chalice, WebsocketEvent

from chalicelib import account_http, http, jobs, log, push_worker, realtime

app = Chalice(app_name="ping-pong")
app.experimental_feature_flags.update(["WEBSOCKETS"])
app.register_middleware(log.per_invocation)
app.register_blueprint(http.routes)
app.register_blueprint(account_http.account_routes)


@app.on_ws_connect(name="websocket_connect")
def websocket_connect(event: WebsocketEvent) -> dict[str, Any]:
    """API Gateway's $connect."""
    return realtime.connect(event.to_dict())


@app.on_ws_message(name="websocket_message")
def websocket_message(event: WebsocketEvent) -> dict[str, Any]:
    """API Gateway's $default."""
    return realtime.message(event.to_dict())


@app.on_ws_disconnect(name="websocket_disconnect")
def websocket_disconnect(event: WebsocketEvent) -> dict[str, Any]:
    """API Gateway's $disconnect."""
    return realtime.disconnect(event.to_dict())


@app.lambda_function(name="background")
def run_in_background(event: Any, context: Any) -> None:
    """Jobs that take longer than a person waits."""
    jobs.run(event, context.get_remaining_time_in_millis)


@app.lambda_function(name="push")
def push(event: Any, context: Any) -> None:
    """Pushes that busy and large rooms need."""
    push_worker.run(event, context.get_remaining_time_in_millis)
