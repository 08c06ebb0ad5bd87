import Glibc
import NIOCore
import NIOPosix

extension TLSContextSource {
  /// Looks at the files now and then: the loop keeps the time, a thread of NIO's pool reads.
  /// - Returns: the task to cancel at the end; nil when the configuration wants no reload.
  func watch(on loop: any EventLoop) -> RepeatedTask? {
    guard let interval = configuration.reloadInterval else { return nil }
    return loop.scheduleRepeatedAsyncTask(initialDelay: interval, delay: interval) { _ in
      NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
        self.reloadIfChanged(nowSeconds: Int64(time(nil)))
      }.map { _ in }
    }
  }
}
