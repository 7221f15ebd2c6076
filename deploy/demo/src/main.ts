import { parseArgs } from 'node:util';
import { RemoteRefusal } from '@openward/client';
import { stopAll } from './harness/index.ts';
import { bad, heading, line, note } from './print.ts';
import { Story } from './story.ts';
import { removeInfo, startWorld, writeInfo, writeReport, type DemoOptions, type World } from './world.ts';

// npm run demo [-- --once] [--runtime ollama] [--control-plane-port N] [--nats-port N] [--postgres-port N] [--gateway-port N ×3]

function readOptions(): DemoOptions {
  const { values } = parseArgs({
    options: {
      once: { type: 'boolean', default: false },
      runtime: { type: 'string', default: 'embedded' },
      'control-plane-port': { type: 'string' },
      'nats-port': { type: 'string' },
      'postgres-port': { type: 'string' },
      'gateway-port': { type: 'string', multiple: true },
    },
  });
  if (values.runtime !== 'embedded' && values.runtime !== 'ollama') throw new Error('--runtime is embedded or ollama');
  const port = (text: string | undefined): number | undefined => (text === undefined ? undefined : Number(text));
  const [controlPlane, nats, postgres] = [
    port(values['control-plane-port']),
    port(values['nats-port']),
    port(values['postgres-port']),
  ];
  return {
    once: values.once,
    runtime: values.runtime === 'ollama' ? 'ollama' : 'llamaCpp',
    ports: {
      ...(controlPlane === undefined ? {} : { controlPlane }),
      ...(nats === undefined ? {} : { nats }),
      ...(postgres === undefined ? {} : { postgres }),
      ...(values['gateway-port'] === undefined ? {} : { gateways: values['gateway-port'].map(Number) }),
    },
  };
}

const stopped = Promise.withResolvers<void>();
let isStopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (isStopping) process.exit(1);
    isStopping = true;
    stopped.resolve();
  });
}

async function tell(world: World): Promise<boolean> {
  const story = new Story(world);
  try {
    await story.run();
  } finally {
    writeReport(story.expectations.list);
  }
  writeInfo(world, true);
  const { list, allHeld } = story.expectations;
  heading(`${list.filter(({ held }) => held).length} of ${list.length} expectations held`);
  return allHeld;
}

async function stayUp({ network, sites }: World): Promise<void> {
  line(`control plane ${network.url}  (API at /api/v1/docs)`);
  for (const { name, gateway } of sites) line(`${name.padEnd(9)} ${gateway}/v1  and  ${gateway}/api`);
  note('Addresses, keys and an admin’s token stand in .openward/demo.json. Ctrl-C ends everything.');
  await stopped.promise;
}

let code = 1;
let world: World | undefined;
try {
  const options = readOptions();
  heading('Openward: three hospitals, six releases. The models are toys trained on invented sentences.');
  const running = startWorld(options).then(async (started) => {
    world = started;
    const held = await tell(started);
    code = held ? 0 : 1;
    if (!options.once) await stayUp(started);
  });
  await Promise.race([running, stopped.promise]);
} catch (error) {
  bad(error instanceof Error ? error.message : String(error));
  // A refusal says in its details what was in the way.
  if (error instanceof RemoteRefusal && error.details !== undefined) note(JSON.stringify(error.details));
  note('The logs of all processes stand in .openward/demo/.');
} finally {
  await world?.stop().catch(() => undefined);
  await stopAll();
  if (world !== undefined) removeInfo();
}
process.exit(code);
