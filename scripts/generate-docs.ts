import { generateCliReference } from './generate-cli-reference.ts';
import { generateConfigurationReference } from './generate-configuration-reference.ts';

generateConfigurationReference();
generateCliReference();
