import { generateCliReference } from './generate-cli-reference.ts';
import { generateErrorsReference } from './generate-errors-reference.ts';
import { generateConfigurationReference } from './generate-configuration-reference.ts';
import { generatePermissionsReference } from './generate-permissions-reference.ts';
import { generateRubricReference } from './generate-rubric-reference.ts';

generateConfigurationReference();
generateCliReference();
generateErrorsReference();
generatePermissionsReference();
generateRubricReference();
