; C = A B^T in bf16 for sm_80: 64x64 tiles, 4 warps of 32x32, K in steps of 32 through
; three stages of cp.async, chunks of 16 bytes swizzled. Launch: block 128, 24576 bytes.
@smem = external addrspace(3) global [0 x i8], align 128

define ptx_kernel void @k(ptr addrspace(1) %A, ptr addrspace(1) %B, ptr addrspace(1) writeonly %C, i32 %N, i32 %K) {
entry:
  %0 = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %1 = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()
  %conv5 = sext i32 %K to i64
  %2 = shl nuw nsw i32 %1, 7
  %mul6 = zext nneg i32 %2 to i64
  %mul7 = mul nsw i64 %mul6, %conv5
  %add.ptr = getelementptr inbounds nuw i8, ptr addrspace(1) %A, i64 %mul7
  %3 = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %conv8 = zext nneg i32 %3 to i64
  %mul11 = shl nuw nsw i64 %conv8, 7
  %mul12 = mul i64 %mul11, %conv5
  %add.ptr13 = getelementptr inbounds nuw i8, ptr addrspace(1) %B, i64 %mul12
  %div14 = sdiv i32 %K, 32
  %div41.i = lshr i32 %0, 2
  %shr.i.i = lshr i32 %0, 3
  %and.i49.i = xor i32 %shr.i.i, %0
  %xor.i.i = shl nuw nsw i32 %and.i49.i, 4
  %shl.i.i = and i32 %xor.i.i, 48
  %rem.i = shl nuw nsw i32 %0, 3
  %mul9.i = and i32 %rem.i, 24
  %mul.i.i = shl nuw nsw i32 %div41.i, 6
  %add.i.i = or disjoint i32 %shl.i.i, %mul.i.i
  %conv.i = zext nneg i32 %div41.i to i64
  %mul5.i = mul nsw i64 %conv5, %conv.i
  %add.1.i = add nuw nsw i32 %div41.i, 32
  %mul.i.1.i = shl nuw nsw i32 %add.1.i, 6
  %add.i.1.i = or disjoint i32 %shl.i.i, %mul.i.1.i
  %conv.1.i = zext nneg i32 %add.1.i to i64
  %mul5.1.i = mul nsw i64 %conv5, %conv.1.i
  %cmp16 = icmp sgt i32 %K, 31
  br i1 %cmp16, label %if.then, label %if.end

for.body22.lr.ph:
  %rem43 = and i32 %0, 15
  %invariant.op = or disjoint i32 %rem43, %mul
  %div46249 = lshr i32 %rem, 4
  %and.i = and i32 %14, 3
  %rem63 = and i32 %0, 7
  %mul66 = and i32 %14, 8
  %invariant.op311 = or disjoint i32 %mul66, %rem63
  %invariant.op312 = or disjoint i32 %invariant.op311, %rem2
  %rem70 = and i32 %shr.i.i, 1
  %4 = shl nuw nsw i32 %invariant.op, 6
  %mul.i.1 = or disjoint i32 %4, 1024
  %5 = shl nuw nsw i32 %invariant.op312, 6
  %mul.i290.1 = or disjoint i32 %5, 1024
  br label %for.body22

if.then:
  %add8.i = zext nneg i32 %mul9.i to i64
  %add3.i = add i32 %add.i.i, ptrtoint (ptr addrspace(3) @smem to i32)
  %add11.i = add nuw nsw i64 %mul5.i, %add8.i
  %mul12.i = shl nuw nsw i64 %add11.i, 1
  %add.ptr.i = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr, i64 %mul12.i
  %conv.i.i = zext i32 %add3.i to i64
  %6 = inttoptr i64 %conv.i.i to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %6, ptr addrspace(1) %add.ptr.i)
  %add17.i = add i32 %add.i.i, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 4096)
  %add.ptr28.i = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr13, i64 %mul12.i
  %conv.i48.i = zext i32 %add17.i to i64
  %7 = inttoptr i64 %conv.i48.i to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %7, ptr addrspace(1) %add.ptr28.i)
  %add3.1.i = add i32 %add.i.1.i, ptrtoint (ptr addrspace(3) @smem to i32)
  %add11.1.i = add nuw nsw i64 %mul5.1.i, %add8.i
  %mul12.1.i = shl nuw nsw i64 %add11.1.i, 1
  %add.ptr.1.i = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr, i64 %mul12.1.i
  %conv.i.1.i = zext i32 %add3.1.i to i64
  %8 = inttoptr i64 %conv.i.1.i to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %8, ptr addrspace(1) %add.ptr.1.i)
  %add17.1.i = add i32 %add.i.1.i, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 4096)
  %add.ptr28.1.i = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr13, i64 %mul12.1.i
  %conv.i48.1.i = zext i32 %add17.1.i to i64
  %9 = inttoptr i64 %conv.i48.1.i to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %9, ptr addrspace(1) %add.ptr28.1.i)
  br label %if.end

if.end:
  call void @llvm.nvvm.cp.async.commit.group()
  %cmp16.1 = icmp sgt i32 %K, 63
  br i1 %cmp16.1, label %if.then.1, label %if.end.1

if.then.1:
  %add8.i308.1 = or disjoint i32 %mul9.i, 32
  %add8.i.1 = zext nneg i32 %add8.i308.1 to i64
  %add3.i.1 = add i32 %add.i.i, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 8192)
  %add11.i.1 = add nuw nsw i64 %mul5.i, %add8.i.1
  %mul12.i.1 = shl nuw nsw i64 %add11.i.1, 1
  %add.ptr.i.1 = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr, i64 %mul12.i.1
  %conv.i.i.1 = zext i32 %add3.i.1 to i64
  %10 = inttoptr i64 %conv.i.i.1 to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %10, ptr addrspace(1) nonnull %add.ptr.i.1)
  %add17.i.1 = add i32 %add.i.i, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 12288)
  %add.ptr28.i.1 = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr13, i64 %mul12.i.1
  %conv.i48.i.1 = zext i32 %add17.i.1 to i64
  %11 = inttoptr i64 %conv.i48.i.1 to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %11, ptr addrspace(1) nonnull %add.ptr28.i.1)
  %add3.1.i.1 = add i32 %add.i.1.i, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 8192)
  %add11.1.i.1 = add nuw nsw i64 %mul5.1.i, %add8.i.1
  %mul12.1.i.1 = shl nuw nsw i64 %add11.1.i.1, 1
  %add.ptr.1.i.1 = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr, i64 %mul12.1.i.1
  %conv.i.1.i.1 = zext i32 %add3.1.i.1 to i64
  %12 = inttoptr i64 %conv.i.1.i.1 to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %12, ptr addrspace(1) nonnull %add.ptr.1.i.1)
  %add17.1.i.1 = add i32 %add.i.1.i, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 12288)
  %add.ptr28.1.i.1 = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr13, i64 %mul12.1.i.1
  %conv.i48.1.i.1 = zext i32 %add17.1.i.1 to i64
  %13 = inttoptr i64 %conv.i48.1.i.1 to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %13, ptr addrspace(1) nonnull %add.ptr28.1.i.1)
  br label %if.end.1

if.end.1:
  call void @llvm.nvvm.cp.async.commit.group()
  %rem = and i32 %0, 31
  %14 = lshr i32 %0, 1
  %mul = and i32 %14, 480
  %rem2 = and i32 %0, 32
  %cmp19317 = icmp sgt i32 %K, 31
  br i1 %cmp19317, label %for.body22.lr.ph, label %for.cond125.preheader

for.cond125.preheader:
  %acc.sroa.51.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult.i306.1333, %for.cond.cleanup34 ]
  %acc.sroa.54.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult8.i.1334, %for.cond.cleanup34 ]
  %acc.sroa.57.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult9.i.1335, %for.cond.cleanup34 ]
  %acc.sroa.60.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult10.i.1336, %for.cond.cleanup34 ]
  %acc.sroa.63.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult.i306.1.1, %for.cond.cleanup34 ]
  %acc.sroa.66.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult8.i.1.1, %for.cond.cleanup34 ]
  %acc.sroa.69.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult9.i.1.1, %for.cond.cleanup34 ]
  %acc.sroa.72.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult10.i.1.1, %for.cond.cleanup34 ]
  %acc.sroa.75.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult.i306.2.1, %for.cond.cleanup34 ]
  %acc.sroa.78.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult8.i.2.1, %for.cond.cleanup34 ]
  %acc.sroa.81.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult9.i.2.1, %for.cond.cleanup34 ]
  %acc.sroa.84.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult10.i.2.1, %for.cond.cleanup34 ]
  %acc.sroa.87.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult.i306.3.1, %for.cond.cleanup34 ]
  %acc.sroa.90.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult8.i.3.1, %for.cond.cleanup34 ]
  %acc.sroa.93.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult9.i.3.1, %for.cond.cleanup34 ]
  %acc.sroa.96.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult10.i.3.1, %for.cond.cleanup34 ]
  %acc.sroa.48.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult10.i.3, %for.cond.cleanup34 ]
  %acc.sroa.45.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult9.i.3, %for.cond.cleanup34 ]
  %acc.sroa.42.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult8.i.3, %for.cond.cleanup34 ]
  %acc.sroa.39.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult.i306.3, %for.cond.cleanup34 ]
  %acc.sroa.36.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult10.i.2, %for.cond.cleanup34 ]
  %acc.sroa.33.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult9.i.2, %for.cond.cleanup34 ]
  %acc.sroa.30.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult8.i.2, %for.cond.cleanup34 ]
  %acc.sroa.27.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult.i306.2, %for.cond.cleanup34 ]
  %acc.sroa.24.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult10.i.1, %for.cond.cleanup34 ]
  %acc.sroa.21.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult9.i.1, %for.cond.cleanup34 ]
  %acc.sroa.18.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult8.i.1, %for.cond.cleanup34 ]
  %acc.sroa.15.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult.i306.1, %for.cond.cleanup34 ]
  %acc.sroa.12.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult10.i, %for.cond.cleanup34 ]
  %acc.sroa.9.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult9.i, %for.cond.cleanup34 ]
  %acc.sroa.6.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult8.i, %for.cond.cleanup34 ]
  %acc.sroa.0.2 = phi float [ 0.000000e+00, %if.end.1 ], [ %asmresult.i306, %for.cond.cleanup34 ]
  %15 = shl nuw nsw i32 %1, 6
  %add148 = add nuw nsw i32 %mul, %15
  %div151244 = lshr i32 %rem, 2
  %invariant.op327 = or disjoint i32 %add148, %div151244
  %conv157 = sext i32 %N to i64
  %mul159 = shl nsw i32 %3, 6
  %conv160 = zext nneg i32 %mul159 to i64
  %conv162 = zext nneg i32 %rem2 to i64
  %rem167 = shl nuw nsw i32 %0, 1
  %mul168 = and i32 %rem167, 6
  %conv169 = zext nneg i32 %mul168 to i64
  %invariant.gep = getelementptr float, ptr addrspace(1) %C, i64 %conv160
  %invariant.gep319 = getelementptr float, ptr addrspace(1) %invariant.gep, i64 %conv162
  %invariant.gep325 = getelementptr float, ptr addrspace(1) %invariant.gep319, i64 %conv169
  %conv156 = zext nneg i32 %invariant.op327 to i64
  %mul158 = mul nsw i64 %conv156, %conv157
  %gep323 = getelementptr float, ptr addrspace(1) %invariant.gep325, i64 %mul158
  store float %acc.sroa.0.2, ptr addrspace(1) %gep323, align 4
  %arrayidx174.1 = getelementptr i8, ptr addrspace(1) %gep323, i64 4
  store float %acc.sroa.6.2, ptr addrspace(1) %arrayidx174.1, align 4
  %add155.2 = or disjoint i32 %invariant.op327, 8
  %conv156.2 = zext nneg i32 %add155.2 to i64
  %mul158.2 = mul nsw i64 %conv156.2, %conv157
  %gep323.2 = getelementptr float, ptr addrspace(1) %invariant.gep325, i64 %mul158.2
  store float %acc.sroa.9.2, ptr addrspace(1) %gep323.2, align 4
  %arrayidx174.3 = getelementptr i8, ptr addrspace(1) %gep323.2, i64 4
  store float %acc.sroa.12.2, ptr addrspace(1) %arrayidx174.3, align 4
  %gep.1 = getelementptr i8, ptr addrspace(1) %invariant.gep325, i64 32
  %gep323.1341 = getelementptr float, ptr addrspace(1) %gep.1, i64 %mul158
  store float %acc.sroa.15.2, ptr addrspace(1) %gep323.1341, align 4
  %arrayidx174.1.1 = getelementptr i8, ptr addrspace(1) %gep323.1341, i64 4
  store float %acc.sroa.18.2, ptr addrspace(1) %arrayidx174.1.1, align 4
  %gep323.2.1 = getelementptr float, ptr addrspace(1) %gep.1, i64 %mul158.2
  store float %acc.sroa.21.2, ptr addrspace(1) %gep323.2.1, align 4
  %arrayidx174.3.1 = getelementptr i8, ptr addrspace(1) %gep323.2.1, i64 4
  store float %acc.sroa.24.2, ptr addrspace(1) %arrayidx174.3.1, align 4
  %gep.2 = getelementptr i8, ptr addrspace(1) %invariant.gep325, i64 64
  %gep323.2344 = getelementptr float, ptr addrspace(1) %gep.2, i64 %mul158
  store float %acc.sroa.27.2, ptr addrspace(1) %gep323.2344, align 4
  %arrayidx174.1.2 = getelementptr i8, ptr addrspace(1) %gep323.2344, i64 4
  store float %acc.sroa.30.2, ptr addrspace(1) %arrayidx174.1.2, align 4
  %gep323.2.2 = getelementptr float, ptr addrspace(1) %gep.2, i64 %mul158.2
  store float %acc.sroa.33.2, ptr addrspace(1) %gep323.2.2, align 4
  %arrayidx174.3.2 = getelementptr i8, ptr addrspace(1) %gep323.2.2, i64 4
  store float %acc.sroa.36.2, ptr addrspace(1) %arrayidx174.3.2, align 4
  %gep.3 = getelementptr i8, ptr addrspace(1) %invariant.gep325, i64 96
  %gep323.3347 = getelementptr float, ptr addrspace(1) %gep.3, i64 %mul158
  store float %acc.sroa.39.2, ptr addrspace(1) %gep323.3347, align 4
  %arrayidx174.1.3 = getelementptr i8, ptr addrspace(1) %gep323.3347, i64 4
  store float %acc.sroa.42.2, ptr addrspace(1) %arrayidx174.1.3, align 4
  %gep323.2.3 = getelementptr float, ptr addrspace(1) %gep.3, i64 %mul158.2
  store float %acc.sroa.45.2, ptr addrspace(1) %gep323.2.3, align 4
  %arrayidx174.3.3 = getelementptr i8, ptr addrspace(1) %gep323.2.3, i64 4
  store float %acc.sroa.48.2, ptr addrspace(1) %arrayidx174.3.3, align 4
  %add152.reass.1 = or disjoint i32 %invariant.op327, 16
  %conv156.1348 = zext nneg i32 %add152.reass.1 to i64
  %mul158.1349 = mul nsw i64 %conv156.1348, %conv157
  %gep323.1350 = getelementptr float, ptr addrspace(1) %invariant.gep325, i64 %mul158.1349
  store float %acc.sroa.51.2, ptr addrspace(1) %gep323.1350, align 4
  %arrayidx174.1.1355 = getelementptr i8, ptr addrspace(1) %gep323.1350, i64 4
  store float %acc.sroa.54.2, ptr addrspace(1) %arrayidx174.1.1355, align 4
  %add155.2.1357 = or disjoint i32 %invariant.op327, 24
  %conv156.2.1358 = zext nneg i32 %add155.2.1357 to i64
  %mul158.2.1359 = mul nsw i64 %conv156.2.1358, %conv157
  %gep323.2.1360 = getelementptr float, ptr addrspace(1) %invariant.gep325, i64 %mul158.2.1359
  store float %acc.sroa.57.2, ptr addrspace(1) %gep323.2.1360, align 4
  %arrayidx174.3.1366 = getelementptr i8, ptr addrspace(1) %gep323.2.1360, i64 4
  store float %acc.sroa.60.2, ptr addrspace(1) %arrayidx174.3.1366, align 4
  %gep323.1341.1 = getelementptr float, ptr addrspace(1) %gep.1, i64 %mul158.1349
  store float %acc.sroa.63.2, ptr addrspace(1) %gep323.1341.1, align 4
  %arrayidx174.1.1.1 = getelementptr i8, ptr addrspace(1) %gep323.1341.1, i64 4
  store float %acc.sroa.66.2, ptr addrspace(1) %arrayidx174.1.1.1, align 4
  %gep323.2.1.1 = getelementptr float, ptr addrspace(1) %gep.1, i64 %mul158.2.1359
  store float %acc.sroa.69.2, ptr addrspace(1) %gep323.2.1.1, align 4
  %arrayidx174.3.1.1 = getelementptr i8, ptr addrspace(1) %gep323.2.1.1, i64 4
  store float %acc.sroa.72.2, ptr addrspace(1) %arrayidx174.3.1.1, align 4
  %gep323.2344.1 = getelementptr float, ptr addrspace(1) %gep.2, i64 %mul158.1349
  store float %acc.sroa.75.2, ptr addrspace(1) %gep323.2344.1, align 4
  %arrayidx174.1.2.1 = getelementptr i8, ptr addrspace(1) %gep323.2344.1, i64 4
  store float %acc.sroa.78.2, ptr addrspace(1) %arrayidx174.1.2.1, align 4
  %gep323.2.2.1 = getelementptr float, ptr addrspace(1) %gep.2, i64 %mul158.2.1359
  store float %acc.sroa.81.2, ptr addrspace(1) %gep323.2.2.1, align 4
  %arrayidx174.3.2.1 = getelementptr i8, ptr addrspace(1) %gep323.2.2.1, i64 4
  store float %acc.sroa.84.2, ptr addrspace(1) %arrayidx174.3.2.1, align 4
  %gep323.3347.1 = getelementptr float, ptr addrspace(1) %gep.3, i64 %mul158.1349
  store float %acc.sroa.87.2, ptr addrspace(1) %gep323.3347.1, align 4
  %arrayidx174.1.3.1 = getelementptr i8, ptr addrspace(1) %gep323.3347.1, i64 4
  store float %acc.sroa.90.2, ptr addrspace(1) %arrayidx174.1.3.1, align 4
  %gep323.2.3.1 = getelementptr float, ptr addrspace(1) %gep.3, i64 %mul158.2.1359
  store float %acc.sroa.93.2, ptr addrspace(1) %gep323.2.3.1, align 4
  %arrayidx174.3.3.1 = getelementptr i8, ptr addrspace(1) %gep323.2.3.1, i64 4
  store float %acc.sroa.96.2, ptr addrspace(1) %arrayidx174.3.3.1, align 4
  ret void

for.body22:
  %acc.sroa.51.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult.i306.1333, %for.cond.cleanup34 ]
  %acc.sroa.54.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult8.i.1334, %for.cond.cleanup34 ]
  %acc.sroa.57.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult9.i.1335, %for.cond.cleanup34 ]
  %acc.sroa.60.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult10.i.1336, %for.cond.cleanup34 ]
  %acc.sroa.63.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult.i306.1.1, %for.cond.cleanup34 ]
  %acc.sroa.66.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult8.i.1.1, %for.cond.cleanup34 ]
  %acc.sroa.69.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult9.i.1.1, %for.cond.cleanup34 ]
  %acc.sroa.72.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult10.i.1.1, %for.cond.cleanup34 ]
  %acc.sroa.75.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult.i306.2.1, %for.cond.cleanup34 ]
  %acc.sroa.78.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult8.i.2.1, %for.cond.cleanup34 ]
  %acc.sroa.81.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult9.i.2.1, %for.cond.cleanup34 ]
  %acc.sroa.84.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult10.i.2.1, %for.cond.cleanup34 ]
  %acc.sroa.87.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult.i306.3.1, %for.cond.cleanup34 ]
  %acc.sroa.90.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult8.i.3.1, %for.cond.cleanup34 ]
  %acc.sroa.93.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult9.i.3.1, %for.cond.cleanup34 ]
  %acc.sroa.96.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult10.i.3.1, %for.cond.cleanup34 ]
  %acc.sroa.48.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult10.i.3, %for.cond.cleanup34 ]
  %acc.sroa.45.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult9.i.3, %for.cond.cleanup34 ]
  %acc.sroa.42.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult8.i.3, %for.cond.cleanup34 ]
  %acc.sroa.39.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult.i306.3, %for.cond.cleanup34 ]
  %acc.sroa.36.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult10.i.2, %for.cond.cleanup34 ]
  %acc.sroa.33.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult9.i.2, %for.cond.cleanup34 ]
  %acc.sroa.30.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult8.i.2, %for.cond.cleanup34 ]
  %acc.sroa.27.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult.i306.2, %for.cond.cleanup34 ]
  %acc.sroa.24.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult10.i.1, %for.cond.cleanup34 ]
  %acc.sroa.21.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult9.i.1, %for.cond.cleanup34 ]
  %acc.sroa.18.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult8.i.1, %for.cond.cleanup34 ]
  %acc.sroa.15.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult.i306.1, %for.cond.cleanup34 ]
  %acc.sroa.12.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult10.i, %for.cond.cleanup34 ]
  %acc.sroa.9.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult9.i, %for.cond.cleanup34 ]
  %acc.sroa.6.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult8.i, %for.cond.cleanup34 ]
  %acc.sroa.0.0 = phi float [ 0.000000e+00, %for.body22.lr.ph ], [ %asmresult.i306, %for.cond.cleanup34 ]
  %k.0318 = phi i32 [ 0, %for.body22.lr.ph ], [ %inc122, %for.cond.cleanup34 ]
  call void @llvm.nvvm.cp.async.wait.group(i32 1)
  call void @llvm.nvvm.barrier.cta.sync.aligned.all(i32 0)
  %sub = add nuw nsw i32 %k.0318, 2
  %cmp23 = icmp slt i32 %sub, %div14
  br i1 %cmp23, label %if.then25, label %if.end27

if.then25:
  %rem26 = urem i32 %sub, 3
  %mul1.i251 = shl nuw nsw i32 %rem26, 13
  %add2.i252 = add i32 %mul1.i251, ptrtoint (ptr addrspace(3) @smem to i32)
  %mul6.i258 = shl nsw i32 %sub, 5
  %add8.i263307 = or disjoint i32 %mul6.i258, %mul9.i
  %add8.i263 = zext nneg i32 %add8.i263307 to i64
  %add15.i264 = add i32 %mul1.i251, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 4096)
  %add3.i267 = add i32 %add2.i252, %add.i.i
  %add11.i270 = add nuw nsw i64 %mul5.i, %add8.i263
  %mul12.i271 = shl nuw nsw i64 %add11.i270, 1
  %add.ptr.i272 = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr, i64 %mul12.i271
  %conv.i.i273 = zext i32 %add3.i267 to i64
  %16 = inttoptr i64 %conv.i.i273 to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %16, ptr addrspace(1) %add.ptr.i272)
  %add17.i274 = add i32 %add15.i264, %add.i.i
  %add.ptr28.i275 = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr13, i64 %mul12.i271
  %conv.i48.i276 = zext i32 %add17.i274 to i64
  %17 = inttoptr i64 %conv.i48.i276 to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %17, ptr addrspace(1) %add.ptr28.i275)
  %add3.1.i280 = add i32 %add2.i252, %add.i.1.i
  %add11.1.i283 = add nuw nsw i64 %mul5.1.i, %add8.i263
  %mul12.1.i284 = shl nuw nsw i64 %add11.1.i283, 1
  %add.ptr.1.i285 = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr, i64 %mul12.1.i284
  %conv.i.1.i286 = zext i32 %add3.1.i280 to i64
  %18 = inttoptr i64 %conv.i.1.i286 to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %18, ptr addrspace(1) %add.ptr.1.i285)
  %add17.1.i287 = add i32 %add15.i264, %add.i.1.i
  %add.ptr28.1.i288 = getelementptr inbounds nuw i8, ptr addrspace(1) %add.ptr13, i64 %mul12.1.i284
  %conv.i48.1.i289 = zext i32 %add17.1.i287 to i64
  %19 = inttoptr i64 %conv.i48.1.i289 to ptr addrspace(3)
  call void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) %19, ptr addrspace(1) %add.ptr28.1.i288)
  br label %if.end27

if.end27:
  call void @llvm.nvvm.cp.async.commit.group()
  %rem28 = urem i32 %k.0318, 3
  %mul29 = shl nuw nsw i32 %rem28, 13
  %add.i = add i32 %mul29, ptrtoint (ptr addrspace(3) @smem to i32)
  %add.i295 = add i32 %mul29, add (i32 ptrtoint (ptr addrspace(3) @smem to i32), i32 4096)
  br label %for.body35

for.cond.cleanup34:
  %inc122 = add nuw nsw i32 %k.0318, 1
  %exitcond.not = icmp eq i32 %inc122, %div14
  br i1 %exitcond.not, label %for.cond125.preheader, label %for.body22

for.body35:
  %acc.sroa.51.1 = phi float [ %acc.sroa.51.0, %if.end27 ], [ %asmresult.i306.1333, %for.body35 ]
  %acc.sroa.54.1 = phi float [ %acc.sroa.54.0, %if.end27 ], [ %asmresult8.i.1334, %for.body35 ]
  %acc.sroa.57.1 = phi float [ %acc.sroa.57.0, %if.end27 ], [ %asmresult9.i.1335, %for.body35 ]
  %acc.sroa.60.1 = phi float [ %acc.sroa.60.0, %if.end27 ], [ %asmresult10.i.1336, %for.body35 ]
  %acc.sroa.63.1 = phi float [ %acc.sroa.63.0, %if.end27 ], [ %asmresult.i306.1.1, %for.body35 ]
  %acc.sroa.66.1 = phi float [ %acc.sroa.66.0, %if.end27 ], [ %asmresult8.i.1.1, %for.body35 ]
  %acc.sroa.69.1 = phi float [ %acc.sroa.69.0, %if.end27 ], [ %asmresult9.i.1.1, %for.body35 ]
  %acc.sroa.72.1 = phi float [ %acc.sroa.72.0, %if.end27 ], [ %asmresult10.i.1.1, %for.body35 ]
  %acc.sroa.75.1 = phi float [ %acc.sroa.75.0, %if.end27 ], [ %asmresult.i306.2.1, %for.body35 ]
  %acc.sroa.78.1 = phi float [ %acc.sroa.78.0, %if.end27 ], [ %asmresult8.i.2.1, %for.body35 ]
  %acc.sroa.81.1 = phi float [ %acc.sroa.81.0, %if.end27 ], [ %asmresult9.i.2.1, %for.body35 ]
  %acc.sroa.84.1 = phi float [ %acc.sroa.84.0, %if.end27 ], [ %asmresult10.i.2.1, %for.body35 ]
  %acc.sroa.87.1 = phi float [ %acc.sroa.87.0, %if.end27 ], [ %asmresult.i306.3.1, %for.body35 ]
  %acc.sroa.90.1 = phi float [ %acc.sroa.90.0, %if.end27 ], [ %asmresult8.i.3.1, %for.body35 ]
  %acc.sroa.93.1 = phi float [ %acc.sroa.93.0, %if.end27 ], [ %asmresult9.i.3.1, %for.body35 ]
  %acc.sroa.96.1 = phi float [ %acc.sroa.96.0, %if.end27 ], [ %asmresult10.i.3.1, %for.body35 ]
  %acc.sroa.48.1 = phi float [ %acc.sroa.48.0, %if.end27 ], [ %asmresult10.i.3, %for.body35 ]
  %acc.sroa.45.1 = phi float [ %acc.sroa.45.0, %if.end27 ], [ %asmresult9.i.3, %for.body35 ]
  %acc.sroa.42.1 = phi float [ %acc.sroa.42.0, %if.end27 ], [ %asmresult8.i.3, %for.body35 ]
  %acc.sroa.39.1 = phi float [ %acc.sroa.39.0, %if.end27 ], [ %asmresult.i306.3, %for.body35 ]
  %acc.sroa.36.1 = phi float [ %acc.sroa.36.0, %if.end27 ], [ %asmresult10.i.2, %for.body35 ]
  %acc.sroa.33.1 = phi float [ %acc.sroa.33.0, %if.end27 ], [ %asmresult9.i.2, %for.body35 ]
  %acc.sroa.30.1 = phi float [ %acc.sroa.30.0, %if.end27 ], [ %asmresult8.i.2, %for.body35 ]
  %acc.sroa.27.1 = phi float [ %acc.sroa.27.0, %if.end27 ], [ %asmresult.i306.2, %for.body35 ]
  %acc.sroa.24.1 = phi float [ %acc.sroa.24.0, %if.end27 ], [ %asmresult10.i.1, %for.body35 ]
  %acc.sroa.21.1 = phi float [ %acc.sroa.21.0, %if.end27 ], [ %asmresult9.i.1, %for.body35 ]
  %acc.sroa.18.1 = phi float [ %acc.sroa.18.0, %if.end27 ], [ %asmresult8.i.1, %for.body35 ]
  %acc.sroa.15.1 = phi float [ %acc.sroa.15.0, %if.end27 ], [ %asmresult.i306.1, %for.body35 ]
  %acc.sroa.12.1 = phi float [ %acc.sroa.12.0, %if.end27 ], [ %asmresult10.i, %for.body35 ]
  %acc.sroa.9.1 = phi float [ %acc.sroa.9.0, %if.end27 ], [ %asmresult9.i, %for.body35 ]
  %acc.sroa.6.1 = phi float [ %acc.sroa.6.0, %if.end27 ], [ %asmresult8.i, %for.body35 ]
  %acc.sroa.0.1 = phi float [ %acc.sroa.0.0, %if.end27 ], [ %asmresult.i306, %for.body35 ]
  %cmp32 = phi i1 [ true, %if.end27 ], [ false, %for.body35 ]
  %kk.0316 = phi i32 [ 0, %if.end27 ], [ 2, %for.body35 ]
  %add47 = or disjoint i32 %kk.0316, %div46249
  %xor.i = xor i32 %add47, %and.i
  %shl.i = shl nuw nsw i32 %xor.i, 4
  %add30 = or disjoint i32 %add.i, %shl.i
  %add48 = add i32 %add30, %4
  %20 = call { i32, i32, i32, i32 } asm sideeffect "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];", "=r,=r,=r,=r,r,~{memory}"(i32 %add48)
  %asmresult.i = extractvalue { i32, i32, i32, i32 } %20, 0
  %asmresult4.i = extractvalue { i32, i32, i32, i32 } %20, 1
  %asmresult5.i = extractvalue { i32, i32, i32, i32 } %20, 2
  %asmresult6.i = extractvalue { i32, i32, i32, i32 } %20, 3
  %add48.1 = add i32 %add30, %mul.i.1
  %21 = call { i32, i32, i32, i32 } asm sideeffect "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];", "=r,=r,=r,=r,r,~{memory}"(i32 %add48.1)
  %asmresult.i.1 = extractvalue { i32, i32, i32, i32 } %21, 0
  %asmresult4.i.1 = extractvalue { i32, i32, i32, i32 } %21, 1
  %asmresult5.i.1 = extractvalue { i32, i32, i32, i32 } %21, 2
  %asmresult6.i.1 = extractvalue { i32, i32, i32, i32 } %21, 3
  %add71 = or disjoint i32 %kk.0316, %rem70
  %xor.i293 = xor i32 %add71, %and.i
  %shl.i294 = shl nuw nsw i32 %xor.i293, 4
  %add60 = or disjoint i32 %add.i295, %shl.i294
  %add73 = add i32 %add60, %5
  %22 = call { i32, i32, i32, i32 } asm sideeffect "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];", "=r,=r,=r,=r,r,~{memory}"(i32 %add73)
  %asmresult.i299 = extractvalue { i32, i32, i32, i32 } %22, 0
  %asmresult4.i300 = extractvalue { i32, i32, i32, i32 } %22, 1
  %asmresult5.i301 = extractvalue { i32, i32, i32, i32 } %22, 2
  %asmresult6.i302 = extractvalue { i32, i32, i32, i32 } %22, 3
  %add73.1 = add i32 %add60, %mul.i290.1
  %23 = call { i32, i32, i32, i32 } asm sideeffect "ldmatrix.sync.aligned.m8n8.x4.shared.b16 {$0, $1, $2, $3}, [$4];", "=r,=r,=r,=r,r,~{memory}"(i32 %add73.1)
  %asmresult.i299.1 = extractvalue { i32, i32, i32, i32 } %23, 0
  %asmresult4.i300.1 = extractvalue { i32, i32, i32, i32 } %23, 1
  %asmresult5.i301.1 = extractvalue { i32, i32, i32, i32 } %23, 2
  %asmresult6.i302.1 = extractvalue { i32, i32, i32, i32 } %23, 3
  %24 = call { float, float, float, float } asm sideeffect "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$0, $1, $2, $3};", "=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3"(i32 %asmresult.i, i32 %asmresult4.i, i32 %asmresult5.i, i32 %asmresult6.i, i32 %asmresult.i299, i32 %asmresult4.i300, float %acc.sroa.0.1, float %acc.sroa.6.1, float %acc.sroa.9.1, float %acc.sroa.12.1)
  %asmresult.i306 = extractvalue { float, float, float, float } %24, 0
  %asmresult8.i = extractvalue { float, float, float, float } %24, 1
  %asmresult9.i = extractvalue { float, float, float, float } %24, 2
  %asmresult10.i = extractvalue { float, float, float, float } %24, 3
  %25 = call { float, float, float, float } asm sideeffect "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$0, $1, $2, $3};", "=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3"(i32 %asmresult.i, i32 %asmresult4.i, i32 %asmresult5.i, i32 %asmresult6.i, i32 %asmresult5.i301, i32 %asmresult6.i302, float %acc.sroa.15.1, float %acc.sroa.18.1, float %acc.sroa.21.1, float %acc.sroa.24.1)
  %asmresult.i306.1 = extractvalue { float, float, float, float } %25, 0
  %asmresult8.i.1 = extractvalue { float, float, float, float } %25, 1
  %asmresult9.i.1 = extractvalue { float, float, float, float } %25, 2
  %asmresult10.i.1 = extractvalue { float, float, float, float } %25, 3
  %26 = call { float, float, float, float } asm sideeffect "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$0, $1, $2, $3};", "=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3"(i32 %asmresult.i, i32 %asmresult4.i, i32 %asmresult5.i, i32 %asmresult6.i, i32 %asmresult.i299.1, i32 %asmresult4.i300.1, float %acc.sroa.27.1, float %acc.sroa.30.1, float %acc.sroa.33.1, float %acc.sroa.36.1)
  %asmresult.i306.2 = extractvalue { float, float, float, float } %26, 0
  %asmresult8.i.2 = extractvalue { float, float, float, float } %26, 1
  %asmresult9.i.2 = extractvalue { float, float, float, float } %26, 2
  %asmresult10.i.2 = extractvalue { float, float, float, float } %26, 3
  %27 = call { float, float, float, float } asm sideeffect "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$0, $1, $2, $3};", "=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3"(i32 %asmresult.i, i32 %asmresult4.i, i32 %asmresult5.i, i32 %asmresult6.i, i32 %asmresult5.i301.1, i32 %asmresult6.i302.1, float %acc.sroa.39.1, float %acc.sroa.42.1, float %acc.sroa.45.1, float %acc.sroa.48.1)
  %asmresult.i306.3 = extractvalue { float, float, float, float } %27, 0
  %asmresult8.i.3 = extractvalue { float, float, float, float } %27, 1
  %asmresult9.i.3 = extractvalue { float, float, float, float } %27, 2
  %asmresult10.i.3 = extractvalue { float, float, float, float } %27, 3
  %28 = call { float, float, float, float } asm sideeffect "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$0, $1, $2, $3};", "=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3"(i32 %asmresult.i.1, i32 %asmresult4.i.1, i32 %asmresult5.i.1, i32 %asmresult6.i.1, i32 %asmresult.i299, i32 %asmresult4.i300, float %acc.sroa.51.1, float %acc.sroa.54.1, float %acc.sroa.57.1, float %acc.sroa.60.1)
  %asmresult.i306.1333 = extractvalue { float, float, float, float } %28, 0
  %asmresult8.i.1334 = extractvalue { float, float, float, float } %28, 1
  %asmresult9.i.1335 = extractvalue { float, float, float, float } %28, 2
  %asmresult10.i.1336 = extractvalue { float, float, float, float } %28, 3
  %29 = call { float, float, float, float } asm sideeffect "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$0, $1, $2, $3};", "=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3"(i32 %asmresult.i.1, i32 %asmresult4.i.1, i32 %asmresult5.i.1, i32 %asmresult6.i.1, i32 %asmresult5.i301, i32 %asmresult6.i302, float %acc.sroa.63.1, float %acc.sroa.66.1, float %acc.sroa.69.1, float %acc.sroa.72.1)
  %asmresult.i306.1.1 = extractvalue { float, float, float, float } %29, 0
  %asmresult8.i.1.1 = extractvalue { float, float, float, float } %29, 1
  %asmresult9.i.1.1 = extractvalue { float, float, float, float } %29, 2
  %asmresult10.i.1.1 = extractvalue { float, float, float, float } %29, 3
  %30 = call { float, float, float, float } asm sideeffect "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$0, $1, $2, $3};", "=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3"(i32 %asmresult.i.1, i32 %asmresult4.i.1, i32 %asmresult5.i.1, i32 %asmresult6.i.1, i32 %asmresult.i299.1, i32 %asmresult4.i300.1, float %acc.sroa.75.1, float %acc.sroa.78.1, float %acc.sroa.81.1, float %acc.sroa.84.1)
  %asmresult.i306.2.1 = extractvalue { float, float, float, float } %30, 0
  %asmresult8.i.2.1 = extractvalue { float, float, float, float } %30, 1
  %asmresult9.i.2.1 = extractvalue { float, float, float, float } %30, 2
  %asmresult10.i.2.1 = extractvalue { float, float, float, float } %30, 3
  %31 = call { float, float, float, float } asm sideeffect "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {$0, $1, $2, $3}, {$4, $5, $6, $7}, {$8, $9}, {$0, $1, $2, $3};", "=f,=f,=f,=f,r,r,r,r,r,r,0,1,2,3"(i32 %asmresult.i.1, i32 %asmresult4.i.1, i32 %asmresult5.i.1, i32 %asmresult6.i.1, i32 %asmresult5.i301.1, i32 %asmresult6.i302.1, float %acc.sroa.87.1, float %acc.sroa.90.1, float %acc.sroa.93.1, float %acc.sroa.96.1)
  %asmresult.i306.3.1 = extractvalue { float, float, float, float } %31, 0
  %asmresult8.i.3.1 = extractvalue { float, float, float, float } %31, 1
  %asmresult9.i.3.1 = extractvalue { float, float, float, float } %31, 2
  %asmresult10.i.3.1 = extractvalue { float, float, float, float } %31, 3
  br i1 %cmp32, label %for.body35, label %for.cond.cleanup34
}

declare range(i32 0, 1024) i32 @llvm.nvvm.read.ptx.sreg.tid.x()

declare range(i32 0, 65535) i32 @llvm.nvvm.read.ptx.sreg.ctaid.y()

declare range(i32 0, 2147483647) i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()

declare void @llvm.nvvm.cp.async.commit.group()

declare void @llvm.nvvm.cp.async.wait.group(i32 immarg)

declare void @llvm.nvvm.barrier.cta.sync.aligned.all(i32)

declare void @llvm.nvvm.cp.async.cg.shared.global.16(ptr addrspace(3) noalias writeonly, ptr addrspace(1) noalias readonly)
