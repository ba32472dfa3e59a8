import {
  ApiGatewayManagementApiClient,
  GoneException,
  PostToConnectionCommand,
} from '@aws-sdk/client-apigatewaymanagementapi';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
} from '@aws-sdk/lib-dynamodb';

const TableName = process.env.CONNECTIONS_TABLE;
const OK = { statusCode: 200 };

const table = DynamoDBDocumentClient.from(
  new DynamoDBClient({ endpoint: process.env.DYNAMODB_ENDPOINT }),
);
const management = new ApiGatewayManagementApiClient({
  endpoint: process.env.MANAGEMENT_ENDPOINT,
});

export const connect = async (event) => {
  const { connectionId } = event.requestContext;
  await table.send(new PutCommand({ TableName, Item: { connectionId } }));
  return OK;
};

export const disconnect = async (event) => {
  await forget(event.requestContext.connectionId);
  return OK;
};

export const join = async (event) => {
  const { connectionId } = event.requestContext;
  const { room, name } = JSON.parse(event.body);
  await table.send(new PutCommand({ TableName, Item: { connectionId, room, name } }));
  await broadcast(room, { text: `${name} joined` });
  return OK;
};

export const say = async (event) => {
  const { connectionId } = event.requestContext;
  const { text } = JSON.parse(event.body);
  const { Item: sender } = await table.send(
    new GetCommand({ TableName, Key: { connectionId } }),
  );
  await broadcast(sender.room, { from: sender.name, text });
  return OK;
};

async function broadcast(room, frame) {
  const { Items: members } = await table.send(
    new QueryCommand({
      TableName,
      IndexName: 'by-room',
      KeyConditionExpression: 'room = :room',
      ExpressionAttributeValues: { ':room': room },
    }),
  );
  const Data = JSON.stringify(frame);
  await Promise.all(members.map(({ connectionId }) => post(connectionId, Data)));
}

async function post(ConnectionId, Data) {
  try {
    await management.send(new PostToConnectionCommand({ ConnectionId, Data }));
  } catch (error) {
    if (!(error instanceof GoneException)) throw error;
    await forget(ConnectionId);
  }
}

async function forget(connectionId) {
  await table.send(new DeleteCommand({ TableName, Key: { connectionId } }));
}
