"""One job at a time, lanes in turns, and what is taken back is not begun."""

from __future__ import annotations

import threading
import unittest

from muster_runtime.problem import Problem
from muster_runtime.run_queue import Job, QueueLimits, RunQueue


class RunQueueTest(unittest.TestCase):
    def test_lanes_take_turns_and_keep_their_order(self) -> None:
        queue, done = RunQueue(), []
        for name in ("a1", "a2", "a3", "b1"):
            queue.add(Job(name[0], 0, lambda job, name=name: done.append(name)))
        queue.add(Job("c", 0, lambda job: queue.stop()))
        queue.add(Job("c", 0, lambda job: done.append("never")))
        queue.work()
        self.assertEqual(done, ["a1", "b1"])

        queue = RunQueue()
        for name in ("a1", "a2", "b1", "b2"):
            queue.add(Job(name[0], 0, lambda job, name=name: done.append(name)))
        done.clear()
        queue.add(Job("b", 0, lambda job: queue.stop()))
        queue.work()
        self.assertEqual(done, ["a1", "b1", "a2", "b2"])

    def test_a_job_that_has_not_begun_can_be_taken_back(self) -> None:
        queue, done = RunQueue(), []
        first, second = Job("a", 0, lambda job: done.append(1)), Job("a", 0, lambda job: queue.stop())
        queue.add(first)
        queue.add(second)
        self.assertTrue(queue.remove(first))
        self.assertFalse(queue.remove(first))
        queue.work()
        self.assertEqual(done, [])
        self.assertFalse(queue.remove(second))

    def test_too_much_is_refused(self) -> None:
        queue = RunQueue(QueueLimits(max_jobs=2, max_bytes=10))
        queue.add(Job("a", 100, lambda job: None))  # alone, a job of any weight may wait
        with self.assertRaises(Problem) as caught:
            queue.add(Job("a", 1, lambda job: None))
        self.assertEqual(caught.exception.code, "queue_full")

    def test_work_waits_for_jobs_until_it_is_stopped(self) -> None:
        queue, begun = RunQueue(), threading.Event()
        thread = threading.Thread(target=queue.work)
        thread.start()
        queue.add(Job("a", 0, lambda job: begun.set()))
        self.assertTrue(begun.wait(10))
        queue.stop()
        thread.join(10)
        self.assertFalse(thread.is_alive())


if __name__ == "__main__":
    unittest.main()
