import { answerOrders } from './process-orders.ts';
import { generateLoad } from './load-generator.ts';

answerOrders(generateLoad);
