internal import Foundation

extension StoreError {
    /// What Foundation said of a file, in the words of all other such errors; nil where it said nothing of a file.
    public init?(_ error: any Error) {
        guard let error = error as? CocoaError else { return nil }
        let path = error.filePath ?? error.url?.path ?? error.userInfo[NSFilePathErrorKey] as? String
        // Foundation numbers what went wrong in reading from 256 on, and in writing from 512 on.
        let isReading = (256..<512).contains(error.code.rawValue)
        guard let code = Self.systemCode(of: error) else { return nil }
        self.init(code, isReading ? .read : .write, path ?? "a file")
    }

    private static func systemCode(of error: CocoaError) -> Int32? {
        if let cause = error.underlying as? POSIXError { return cause.code.rawValue }
        if let cause = error.underlying as NSError?, cause.domain == NSPOSIXErrorDomain {
            return Int32(clamping: cause.code)
        }
        return switch error.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: ENOENT
        case .fileReadNoPermission, .fileWriteNoPermission: EACCES
        case .fileWriteFileExists: EEXIST
        case .fileWriteOutOfSpace: ENOSPC
        case .fileWriteVolumeReadOnly: EROFS
        case .fileReadInvalidFileName, .fileWriteInvalidFileName: EINVAL
        case .fileReadTooLarge: EFBIG
        case .fileReadUnknown, .fileWriteUnknown: EIO
        default: nil
        }
    }
}
