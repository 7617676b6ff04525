#!/usr/bin/env node
/** The container's health check: exit code 0 when the gateway in this container is ready. A self-signed certificate is no reason to be unhealthy. */
const { HOST = '0.0.0.0', PORT = '8080', TLS_CERT } = process.env
const { get } = await import(TLS_CERT ? 'node:https' : 'node:http')
const host = HOST === '0.0.0.0' ? '127.0.0.1' : HOST === '::' ? '::1' : HOST

get({ host, port: PORT, path: '/health/ready', rejectUnauthorized: false, timeout: 2500 }, (response) => process.exit(response.statusCode === 200 ? 0 : 1))
  .on('timeout', () => process.exit(1))
  .on('error', () => process.exit(1))
