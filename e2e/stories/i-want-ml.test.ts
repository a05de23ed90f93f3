import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/muster.ts';
import { type Stage, type Who, openStage } from './stage.ts';

const useCase = 'free-rooms';

/** A department wants a model where the booking calendar would do: told no, kindly, and on record. */
describe('i-want-ml', () => {
  let stage: Stage;
  let sponsor: Who;
  let judge: Who;
  let colleague: Who;

  beforeAll(async () => {
    stage = await openStage('facilities');
    // May decide about what others propose, and wants something now.
    sponsor = await stage.person('ina', 'data-scientist', 'operator', 'approver');
    judge = await stage.person('max', 'approver');
    colleague = await stage.person('olga', 'data-scientist', 'operator');
  }, 120_000);

  afterAll(async () => await stage?.close());

  it('is written down in a minute, with what is known', async () => {
    const said = await stage.heard(
      sponsor,
      `usecase propose ${useCase} --team facilities --title "Predict free meeting rooms" --problem "People walk around and look for a room." --sponsor "Facility management"`,
    );
    expect(said).toContain(`usecase review ${useCase}`);
  });

  it('is reviewed by six questions, whose answers speak for declining, with reasons', async () => {
    const said = await stage.heard(
      sponsor,
      `usecase review ${useCase} --decision no --baseline no --labels yes --volume yes --tolerance yes --rule no --note "rule=the booking calendar knows"`,
    );
    expect(said).toContain('it speaks for declining');
    expect(said).toMatch(/No decision depends on the answer[\s\S]*Nobody knows how well it is done today/);
    const { review } = await stage.muster.client.call('useCaseGet', { params: { useCase } });
    expect(review).toMatchObject({ advice: 'decline', answers: { rule: { note: 'the booking calendar knows' } } });
  });

  it('is declined by somebody else, with a reason that can be read and contested', async () => {
    const line = `usecase decline ${useCase} --reason "The calendar knows which rooms are free: show it at the doors."`;
    await expect(stage.as(sponsor, line)).rejects.toThrow(/not_allowed/);
    const said = await stage.heard(judge, line);
    expect(said).toMatch(/declined free-rooms; .*good answer/);
    expect(said).toContain(`usecase review ${useCase}`);
    const shown = await stage.as(sponsor, `usecase show ${useCase}`);
    expect(shown).toMatch(/declined[\s\S]*max[\s\S]*show it at the doors/);
  });

  it('costs nothing further: no endpoint can belong to it', async () => {
    const model = join(root, 'examples/breast-cancer/model-v2.onnx');
    await expect(
      stage.as(sponsor, `deploy ${model} --name rooms --team facilities --use-case ${useCase}`),
    ).rejects.toThrow(/usecase_unfit/);
    await stage.as(sponsor, `deploy ${model} --name rooms --team facilities`);
    await expect(stage.as(sponsor, `endpoint update rooms --use-case ${useCase}`)).rejects.toThrow(/usecase_unfit/);
    expect((await stage.muster.client.call('endpointGet', { params: { endpoint: 'rooms' } })).useCase).toBeNull();
    const orphans = JSON.parse(await stage.as(sponsor, 'fleet --orphans --json')) as {
      readonly items: readonly { readonly name: string }[];
    };
    expect(orphans.items.map(({ name }) => name)).toEqual(['rooms']);
  }, 60_000);

  it('is found by the next person who wants the same', async () => {
    expect(await stage.as(colleague, 'usecase list --state declined')).toContain('Predict free meeting rooms');
    await expect(
      stage.as(
        colleague,
        `usecase propose ${useCase} --team facilities --title "Rooms" --problem "I cannot find a room."`,
      ),
    ).rejects.toThrow(/usecase_exists/);
  });

  it('is proposed again when things have changed, and the decision before stays on record', async () => {
    await stage.as(
      colleague,
      `usecase review ${useCase} --decision yes --baseline yes --labels yes --volume yes --tolerance yes --rule yes --note "decision=heating is planned by it"`,
    );
    const again = await stage.muster.client.call('useCaseGet', { params: { useCase } });
    expect(again).toMatchObject({ state: 'proposed', review: { advice: 'accept' }, decided: { as: 'declined' } });
    // Who asked again may not decide, either.
    await expect(
      stage.as(colleague, `usecase accept ${useCase} --risk-tier minimal --reason "It is different now, I say."`),
    ).rejects.toThrow(/not_allowed/);
    await stage.as(judge, `usecase accept ${useCase} --risk-tier minimal --reason "Heating empty rooms costs a lot."`);
    const entry = again.decided?.entry ?? -1;
    expect(await stage.muster.client.call('auditEntryGet', { params: { seq: entry } })).toMatchObject({ damage: null });
  });
});
