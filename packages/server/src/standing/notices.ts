import type { NewNotification } from '../notifications/index.ts';
import type { StandingChange } from './contract.ts';

/** What people are told of a change of standing, and what to do; undefined where nobody waits for it. */
export function noticeOf(change: StandingChange): NewNotification | undefined {
  const { endpoint, what, reasons, model, version, approvalsLeft = 0 } = change;
  const about = { team: endpoint.team, endpoint: endpoint.name };
  // What something else serves has no number.
  const served = model === null || version === null || version === 0 ? model : `${model}:${version}`;
  const which = served === null ? endpoint.name : `${endpoint.name} (${served})`;
  const why = reasons.join('\n');
  switch (what) {
    case 'granted':
      return { ...about, event: 'standing.granted', title: `${which} is in production`, text: why };
    case 'lapsed':
      return {
        ...about,
        event: 'standing.lapsed',
        title: `${which} is no longer in production`,
        text: `${why}\nIt goes on answering. What closes the gaps: muster check ${endpoint.name}`,
      };
    case 'restored':
      return { ...about, event: 'standing.restored', title: `${which} is in production again`, text: why };
    case 'submitted':
      if (approvalsLeft === 0) return undefined;
      return {
        ...about,
        event: 'submission.waiting',
        title: `${which} was submitted for production`,
        text: askFor(approvalsLeft),
      };
    case 'approved':
      if (approvalsLeft > 0)
        return {
          ...about,
          event: 'submission.waiting',
          title: `${which} is approved by one, and needs ${approvalsLeft} more`,
          text: `${askFor(approvalsLeft)}\n${why}`,
        };
      return { ...about, event: 'submission.decided', title: `The submission of ${which} is approved`, text: why };
    case 'rejected':
    case 'void':
      return { ...about, event: 'submission.decided', title: `The submission of ${which} is ${what}`, text: why };
  }
}

function askFor(people: number): string {
  const who = people === 1 ? 'Somebody who did not make it has' : `${people} people who did not make it have`;
  return `${who} to look at it: muster approvals`;
}
