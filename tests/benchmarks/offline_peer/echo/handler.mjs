export const connect = async () => ({ statusCode: 200 });

export const disconnect = async () => ({ statusCode: 200 });

export const echo = async (event) => ({ statusCode: 200, body: event.body });
