import { codes } from './kind.ts';

/** Codes of use cases, readiness, drills, observed endpoints and notifications. */
export const readinessCodes = codes({
  usecase_not_found: {
    kind: 'not_found',
    title: 'There is no such use case',
    remedy: 'Check its name; muster usecase list shows those that you may see.',
  },
  usecase_exists: { kind: 'conflict', title: 'The name is taken', remedy: 'Choose another name.' },
  usecase_not_reviewed: {
    kind: 'failed_precondition',
    title: 'The use case was not reviewed yet',
    remedy: 'Answer the questions first: muster usecase review NAME.',
  },
  usecase_state: {
    kind: 'failed_precondition',
    title: 'The use case is not in a state for this',
    remedy: 'Look at its state: muster usecase show NAME.',
  },
  usecase_unfit: {
    kind: 'failed_precondition',
    title: 'The endpoint cannot belong to this use case',
    remedy: 'Choose one of the same team that is not declined or retired: muster usecase list.',
  },
  not_ready: {
    kind: 'failed_precondition',
    title: 'Required checks do not hold',
    remedy: 'Close the gaps with the commands beside them: muster check ENDPOINT.',
  },
  nothing_to_submit: {
    kind: 'failed_precondition',
    title: 'There is nothing that could be in production',
    remedy: 'Deploy a version first: muster deploy.',
  },
  submission_not_found: {
    kind: 'not_found',
    title: 'There is no such submission',
    remedy: 'muster approvals lists those that you may see.',
  },
  submission_ended: {
    kind: 'conflict',
    title: 'The submission was decided already, or is void',
    remedy: 'Submit again: muster submit ENDPOINT.',
  },
  submission_changed: {
    kind: 'conflict',
    title: 'What was submitted is not what is there now',
    remedy: 'Look at it again: muster approvals show ID; submit again where the version or how it is served changed.',
  },
  already_approved: {
    kind: 'conflict',
    title: 'You approved it already',
    remedy: 'High risk needs a second person.',
  },
  standing_required: {
    kind: 'failed_precondition',
    title: 'The change would put something in production that was not approved',
    remedy: 'Deploy it as a canary or shadow, submit that, and promote it once it is approved.',
  },
  standing_lapsed: {
    kind: 'failed_precondition',
    title: 'The endpoint has lost its standing, and takes no new callers',
    remedy: 'Close the gaps first: muster check ENDPOINT.',
  },
  waiver_not_found: {
    kind: 'not_found',
    title: 'There is no such waiver',
    remedy: 'muster waiver list ENDPOINT shows those of the endpoint.',
  },
  waiver_not_allowed: {
    kind: 'failed_precondition',
    title: 'The check cannot be waived',
    remedy: 'Meet it: muster check ENDPOINT says how.',
  },
  waiver_state: {
    kind: 'conflict',
    title: 'The waiver is not in a state for this',
    remedy: 'Look at it: muster waiver list ENDPOINT.',
  },
  check_not_attested: {
    kind: 'failed_precondition',
    title: 'Nobody attests to this check',
    remedy: 'Muster finds it out itself: muster check ENDPOINT says how to get it.',
  },
  drill_running: {
    kind: 'conflict',
    title: 'A drill of this endpoint is under way',
    remedy: 'Wait for it, or cancel it: muster operation cancel ID.',
  },
  drill_impossible: {
    kind: 'failed_precondition',
    title: 'The drill cannot be done now',
    remedy: 'See the detail; the endpoint has to answer, and its version needs a sample.',
  },
  drill_schedule_not_found: {
    kind: 'not_found',
    title: 'There is no such schedule',
    remedy: 'muster drill list ENDPOINT shows those of the endpoint.',
  },
  endpoint_observed: {
    kind: 'failed_precondition',
    title: 'Something else serves this endpoint',
    remedy: 'Change it where it is served, or deploy under another name.',
  },
  endpoint_served: {
    kind: 'failed_precondition',
    title: 'Muster serves this endpoint itself',
    remedy: 'Use muster endpoint update and muster deploy.',
  },
  probe_not_allowed: {
    kind: 'forbidden',
    title: 'The address may not be looked at',
    remedy: 'Whoever runs Muster lists its host in observing.allowedHosts.',
  },
});
