import type { Caller } from '../identity/index.ts';
import type { NewNotification } from '../notifications/index.ts';
import type { UseCaseDecision, UseCaseRecord } from './use-case.ts';

/** Somebody is to review and decide it. */
export function proposedNotice(caller: Caller, { name, team, title }: UseCaseRecord): NewNotification {
  return {
    event: 'use-case.proposed',
    team,
    title: `Use case proposed: ${name}`,
    text: `${caller.actor.name} proposes: ${title}\nLook at it: muster usecase show ${name}`,
  };
}

/** It was decided. The reason stays where those may read it who may see the use case. */
export function decidedNotice(
  caller: Caller,
  { name, team, title }: UseCaseRecord,
  as: UseCaseDecision['as'],
): NewNotification {
  return {
    event: 'use-case.decided',
    team,
    title: `Use case ${as}: ${name}`,
    text: `${caller.actor.name} ${as} it: ${title}\nThe reason: muster usecase show ${name}`,
  };
}
