// Runs every row against both servers, one server after the other.

import { record } from './record.js';
import { CALLBACK } from './rows-callback.js';
import { ENDS } from './rows-ends.js';
import { LOGIN } from './rows-login.js';
import { PROTECTED } from './rows-protected.js';
import { SESSION } from './rows-session.js';
import { startDoorward, startFastApi, startFront, startPlatform } from './servers.js';
import { Side } from './side.js';

const BRIEF_SECONDS = 2;
/** Every row of the table, in order: `{group, request, run, expected: {theirs, ours}, why}`. */
export const ROWS = [...PROTECTED, ...LOGIN, ...CALLBACK, ...SESSION, ...ENDS];

/** The rows with what both servers answered, `{…row, theirs, ours}`. */
export async function measure(rows = ROWS) {
  const provider = await startPlatform();
  const front = await startFront(provider);
  try {
    const theirs = await measureOne('theirs', rows, provider, `https://app.localhost:${front.port}`, startFastApi, { provider, front });
    const ours = await measureOne('ours', rows, provider, `http://app.localhost:${provider.port}`, startDoorward, { provider });
    return rows.map((row, at) => ({ ...row, theirs: theirs[at], ours: ours[at] }));
  } finally {
    await front.stop();
    await provider.stop();
  }
}

async function measureOne(kind, rows, provider, platformOrigin, startServer, options) {
  const application = await startServer(options);
  const briefApplication = await startServer({ ...options, sessionSeconds: BRIEF_SECONDS });
  const side = new Side({ kind, port: application.port, provider, platformOrigin });
  side.brief = new Side({ kind, port: briefApplication.port, provider, platformOrigin });
  // Whatever a server asks the platform when it starts is to name its own addresses.
  await side.reset();
  const program = await application.start();
  await side.brief.reset();
  const briefProgram = await briefApplication.start();
  const records = [];
  try {
    for (const row of rows) {
      await side.reset();
      try {
        const answer = await row.run(side);
        records.push(record(answer, side));
      } catch (error) {
        error.message = `${kind}, ${row.group}, ${row.request}: ${error.message}\n${program.text.slice(-3000)}`;
        throw error;
      }
    }
  } finally {
    await program.stop();
    await briefProgram.stop();
  }
  return records;
}
