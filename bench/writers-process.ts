import { writeToManagement } from './management-writers.ts';
import { answerOrders } from './process-orders.ts';

answerOrders(writeToManagement);
