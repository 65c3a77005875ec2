import Engine
import Foundation

private typealias Arguments = UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>

/// Answers `retort --version` before libtorch sets itself up, which takes ten times as long as all the rest.
///
/// The dynamic loader calls what `.preinit_array` lists before the initializers of any library, so that nothing
/// but C and what needs no setting up may be used here. Every other command line passes through.
@section(".preinit_array") @used
private let answerVersion: @convention(c) (Int32, Arguments?, Arguments?) -> Void = { count, arguments, _ in
    guard count == 2, let argument = arguments?[1], strcmp(argument, "--version") == 0 else { return }
    var text = ProductVersion.current + "\n"
    text.withUTF8 { _ = write(STDOUT_FILENO, $0.baseAddress, $0.count) }
    _exit(0)
}
